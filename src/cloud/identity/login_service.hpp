#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "cloud/identity/client_proof.hpp"
#include "cloud/identity/token_issuer.hpp"
#include "cloud/tenancy.hpp"
#include "http/router.hpp"

namespace latchkey::cloud {

/// The login authority: tokens for service principals (OAuth 2.0 client credentials with a client
/// secret, a certificate or a federated token) and the discovery documents that MSAL reads before
/// it asks for one.
///
///   POST /{tenant}/oauth2/v2.0/token, /{tenant}/oauth2/token
///   GET  /common/discovery/instance
///   GET  /{tenant}/v2.0/.well-known/openid-configuration, /{tenant}/.well-known/...
///   GET  /{tenant}/discovery/v2.0/keys, /{tenant}/discovery/keys
///
/// {tenant} is one of is_our_tenant. Source: "Microsoft identity platform and the OAuth 2.0 client
/// credentials flow", "Microsoft Entra authentication error codes".
class LoginService {
 public:
  /// The references must outlive this object.
  LoginService(const Tenancy& tenancy, const Identities& identities,
               const Authenticator& authenticator, TokenIssuer& issuer, const Clock& clock,
               Random& random);
  /// The port on which this is served: stands in the discovery documents. Before requests come.
  void set_port(std::uint16_t port);
  /// This object must outlive the handler.
  http::Handler handler() const { return router_.handler(); }

 private:
  http::Response token(const http::Request& request, std::string_view tenant);
  http::Response instance_discovery(const http::Request& request);
  http::Response openid_configuration(const http::Request& request, std::string_view tenant);
  http::Response keys() const;

  http::Response unknown_tenant(std::string_view tenant);
  http::Response refuse(int status, std::string_view error, int code, std::string_view description);
  http::Response refuse(const LoginRefusal& refusal);

  const Tenancy tenancy_;
  ClientProof proof_;
  TokenIssuer& issuer_;
  const Clock& clock_;
  Random& random_;
  std::uint16_t port_ = 0;
  http::Router router_;
};

}  // namespace latchkey::cloud
