#pragma once

#include "azure/credential.hpp"
#include "azure/retry_policy.hpp"

namespace latchkey::azure {

/// The identity that Azure gives to the machine or app. Three forms of one protocol:
///
/// - App Service, where IDENTITY_ENDPOINT and IDENTITY_HEADER are set:
///   GET IDENTITY_ENDPOINT?api-version=2019-08-01&resource=R, header X-IDENTITY-HEADER;
/// - Azure Arc, where IDENTITY_ENDPOINT and IMDS_ENDPOINT are set: the endpoint first answers 401
///   and names a file that only members of its group can read; its content is the proof;
/// - IMDS, the instance metadata service of a virtual machine, else: GET 169.254.169.254 (or
///   AZURE_POD_IDENTITY_AUTHORITY_HOST) /metadata/identity/oauth2/token?api-version=2018-02-01.
///   It retries also on 404 and 410. Inside a chain, off Azure, nobody answers there: with
///   `may_be_absent`, until it has answered once a call gives up after one attempt whose connecting
///   takes at most 1 s.
///
/// AZURE_CLIENT_ID, when set, chooses a user-assigned identity (Arc has none). Asks at every call:
/// TokenCache stands in front. Sources: "How to use managed identities for App Service", "Azure
/// Instance Metadata Service", "Authenticate against Azure resources with Azure Arc-enabled
/// servers".
class ManagedIdentityCredential final : public TokenCredential {
 public:
  ManagedIdentityCredential(CredentialSettings settings, bool may_be_absent, http::HttpClient& http,
                            Clock& clock, Random& random);
  Task<Result<AccessToken>> get_token(std::string resource) override;
  void forget(const std::string&) override {}
  std::string name() const override;

 private:
  enum class Host { app_service, arc, imds };
  static Host host_of(const CredentialSettings& settings);
  /// What messages call the endpoint.
  std::string endpoint_name() const;
  const char* api_version() const;
  RetryOptions retry_options() const;
  Task<Result<http::Response>> send(std::string resource, Secret authorization);
  Task<Result<http::ClientRequest>> prepare(const std::string& resource,
                                            const Secret& authorization) const;
  Task<Result<http::Response>> ask_arc(std::string resource);
  Result<AccessToken> judge(Result<http::Response> answer) const;

  CredentialSettings settings_;
  Host host_;
  http::HttpClient& http_;
  Clock& clock_;
  Random& random_;
  bool known_;  ///< IMDS is there
};

}  // namespace latchkey::azure
