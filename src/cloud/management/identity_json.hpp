#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cloud/identity/identities.hpp"
#include "cloud/tenancy.hpp"

#include <boost/json/object.hpp>

/// Identities and their credentials as the management plane writes and reads them. No secret is in
/// any of these texts but in `render_new_secret`.
namespace latchkey::cloud {

/// ".../providers/Microsoft.ManagedIdentity/userAssignedIdentities/NAME".
std::string user_assigned_id(const Tenancy& tenancy, std::string_view name);

boost::json::object user_assigned_json(const Identity& identity, const Tenancy& tenancy);
boost::json::object federated_json(const Credential& credential, const Identity& identity,
                                   const Tenancy& tenancy);
/// Our own form: any kind, with what is known of its credentials and attachments.
boost::json::object identity_json(const Identity& identity, const Identities& all,
                                  const Tenancy& tenancy);
boost::json::object credential_json(const Credential& credential);

/// {"properties": {...}} of a request; nullopt for what is no such object.
std::optional<boost::json::object> parse_properties(std::string_view body);
std::string text_member(const boost::json::object& object, std::string_view name);

/// The federated credential of Azure's form: issuer, subject, audiences (one).
/// Error: invalid_argument, naming what is missing.
Result<FederatedCredential> parse_federated(const boost::json::object& properties);
/// The credential of our own form: kind certificate ("pem") or federated (as above, with "keys").
Result<Credential> parse_credential(const boost::json::object& properties);

}  // namespace latchkey::cloud
