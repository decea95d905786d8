#pragma once

#include "base/clock.hpp"
#include "cloud/identity/identities.hpp"
#include "cloud/identity/token_issuer.hpp"
#include "cloud/tenancy.hpp"
#include "http/router.hpp"

namespace latchkey::cloud {

/// Tokens for managed identities, over plain http as in Azure, in the two forms that SDKs speak:
///
///   GET /msi/token                       App Service; X-IDENTITY-HEADER says which app asks. It
///                                        gets its own identity, or by client_id, object_id (or
///                                        principal_id) or mi_res_id a user-assigned one that is
///                                        attached to it
///   GET /metadata/identity/oauth2/token  virtual machines (IMDS); "Metadata: true" is required,
///                                        the identity is named by parameter or is the default one
///
/// Sources: "How to use managed identities for App Service", "Azure Instance Metadata Service".
class ManagedIdentityService {
 public:
  /// The references must outlive this object.
  ManagedIdentityService(const Tenancy& tenancy, const Identities& identities, TokenIssuer& issuer,
                         const Clock& clock);
  /// This object must outlive the handler.
  http::Handler handler() const { return router_.handler(); }

 private:
  http::Response app_service(const http::Request& request, const http::Query& query);
  http::Response metadata(const http::Request& request, const http::Query& query);
  /// Whether every id that the query names is this identity's.
  bool fits(const Identity& identity, const http::Query& query) const;
  /// The app's own identity, or the user-assigned one of its own that the query names.
  const Identity* identity_of(const Identity& app, const http::Query& query) const;
  /// The managed identity that the query names; the default one when it names none.
  const Identity* named_in(const http::Query& query) const;
  http::Response token(const Identity& identity, const std::string& resource);

  const Tenancy tenancy_;
  const Identities& identities_;
  TokenIssuer& issuer_;
  const Clock& clock_;
  http::Router router_;
};

}  // namespace latchkey::cloud
