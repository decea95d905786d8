#pragma once

#include "azure/credential.hpp"
#include "azure/retry_policy.hpp"

namespace latchkey::azure {

/// The identity that Azure gives to the machine. Two forms of one protocol:
///
/// - App Service, where IDENTITY_ENDPOINT and IDENTITY_HEADER are set:
///   GET IDENTITY_ENDPOINT?api-version=2019-08-01&resource=R, header X-IDENTITY-HEADER;
/// - IMDS, the instance metadata service of a virtual machine, else: GET 169.254.169.254 (or
///   AZURE_POD_IDENTITY_AUTHORITY_HOST) /metadata/identity/oauth2/token?api-version=2018-02-01.
///   Off Azure nobody answers there, so until it has answered once a call gives up after one
///   attempt whose connecting takes at most 1 s. Afterwards it retries also on 404 and 410.
///
/// AZURE_CLIENT_ID, when set, chooses a user-assigned identity. Asks at every call: TokenCache
/// stands in front. Sources: "How to use managed identities for App Service", "Azure Instance
/// Metadata Service".
class ManagedIdentityCredential final : public TokenCredential {
 public:
  ManagedIdentityCredential(CredentialSettings settings, http::HttpClient& http, Clock& clock,
                            Random& random);
  Task<Result<AccessToken>> get_token(std::string resource) override;
  void forget(const std::string&) override {}
  std::string name() const override;

 private:
  bool on_app_service() const;
  /// What messages call the endpoint.
  std::string endpoint_name() const;
  Task<Result<http::ClientRequest>> prepare(std::string resource) const;
  Result<AccessToken> judge(Result<http::Response> answer) const;

  CredentialSettings settings_;
  http::HttpClient& http_;
  Clock& clock_;
  Random& random_;
  bool answered_ = false;  ///< IMDS is known to be there
};

}  // namespace latchkey::azure
