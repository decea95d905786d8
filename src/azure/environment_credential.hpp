#pragma once

#include "azure/credential.hpp"
#include "azure/retry_policy.hpp"

namespace latchkey::azure {

/// A service principal with a client secret, from AZURE_TENANT_ID, AZURE_CLIENT_ID and
/// AZURE_CLIENT_SECRET: POST AUTHORITY/TENANT/oauth2/v2.0/token, grant client_credentials. The
/// authority must be https. Asks the endpoint at every call: TokenCache stands in front.
/// Source: Microsoft identity platform, "OAuth 2.0 client credentials flow".
class EnvironmentCredential final : public TokenCredential {
 public:
  EnvironmentCredential(CredentialSettings settings, http::HttpClient& http, Clock& clock,
                        Random& random);
  Task<Result<AccessToken>> get_token(std::string resource) override;
  void forget(const std::string&) override {}
  std::string name() const override { return "EnvironmentCredential"; }

 private:
  /// What is missing or wrong in the settings; empty when nothing is.
  std::string problem() const;
  Task<Result<http::ClientRequest>> prepare(std::string resource) const;

  CredentialSettings settings_;
  http::HttpClient& http_;
  Clock& clock_;
  Random& random_;
};

}  // namespace latchkey::azure
