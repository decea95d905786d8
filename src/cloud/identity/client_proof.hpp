#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>

#include "base/clock.hpp"
#include "base/secret.hpp"
#include "cloud/identity/authenticator.hpp"
#include "cloud/identity/identities.hpp"
#include "cloud/tenancy.hpp"
#include "wire/jwt_assertion.hpp"

namespace latchkey::cloud {

/// How the token endpoint says no. Source: "Microsoft Entra authentication error codes".
struct LoginRefusal {
  int status;
  std::string error;  ///< RFC 6749 section 5.2
  int code;           ///< AADSTS...
  std::string description;
};

/// What a client sends to prove which service principal it is.
struct ClientCredentials {
  std::string client_id;
  Secret client_secret;
  std::string assertion_type;
  std::string assertion;
};

/// Checks that proof: a client secret, an assertion signed with the key of a registered
/// certificate, or a token of an issuer that the identity is federated with.
class ClientProof {
 public:
  /// The references must outlive this object.
  ClientProof(const Tenancy& tenancy, const Identities& identities,
              const Authenticator& authenticator, const Clock& clock);
  /// The login service's port, for the audience of assertions.
  void set_port(std::uint16_t port) { port_ = port; }

  tl::expected<const Identity*, LoginRefusal> check(const ClientCredentials& credentials) const;

 private:
  using Verdict = tl::expected<void, LoginRefusal>;
  Verdict check_secret(const Identity& identity, const Secret& secret) const;
  Verdict check_assertion(const Identity& identity, const ClientCredentials& credentials) const;
  Verdict check_certificate(const Identity& identity, const wire::Assertion& assertion) const;
  Verdict check_federated(const Identity& identity, const wire::Assertion& assertion) const;
  Verdict check_times(const wire::Assertion& assertion) const;
  bool has_ended(const Credential& credential) const;

  const Tenancy tenancy_;
  const Identities& identities_;
  const Authenticator& authenticator_;
  const Clock& clock_;
  std::uint16_t port_ = 0;
};

}  // namespace latchkey::cloud
