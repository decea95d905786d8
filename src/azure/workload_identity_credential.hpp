#pragma once

#include "azure/client_credentials_grant.hpp"
#include "azure/credential.hpp"

namespace latchkey::azure {

/// An application that another provider vouches for - on Kubernetes, the cluster: the token in
/// AZURE_FEDERATED_TOKEN_FILE stands in for a secret. The platform replaces the file before its
/// token ends, so it is read for each request. With AZURE_TENANT_ID and AZURE_CLIENT_ID. Asks the
/// endpoint at every call: TokenCache stands in front.
/// Source: "Use Microsoft Entra Workload ID with Azure Kubernetes Service".
class WorkloadIdentityCredential final : public TokenCredential {
 public:
  WorkloadIdentityCredential(CredentialSettings settings, http::HttpClient& http, Clock& clock,
                             Random& random);
  Task<Result<AccessToken>> get_token(std::string resource) override;
  void forget(const std::string&) override {}
  std::string name() const override { return "WorkloadIdentityCredential"; }

 private:
  std::string problem() const;
  Result<Secret> prove() const;

  CredentialSettings settings_;
  ClientCredentialsGrant grant_;
};

}  // namespace latchkey::azure
