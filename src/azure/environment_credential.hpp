#pragma once

#include "azure/client_credentials_grant.hpp"
#include "azure/credential.hpp"

namespace latchkey::azure {

/// A service principal, from AZURE_TENANT_ID, AZURE_CLIENT_ID and either AZURE_CLIENT_SECRET or,
/// where that is not set, AZURE_CLIENT_CERTIFICATE_PATH: a PEM file with an RSA key and its
/// certificate, read again for each token so that it may be replaced. Asks the endpoint at every
/// call: TokenCache stands in front.
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
  Result<Secret> prove() const;
  Result<Secret> assertion() const;

  CredentialSettings settings_;
  ClientCredentialsGrant grant_;
  Clock& clock_;
  Random& random_;
};

}  // namespace latchkey::azure
