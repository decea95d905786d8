#pragma once

#include "azure/credential.hpp"
#include "wire/token_json.hpp"

namespace latchkey::azure {

/// A tool that a developer has signed in with, and which prints tokens for it.
struct DeveloperTool {
  std::string credential;  ///< "AzureCliCredential"
  std::string program;     ///< "az"
  /// Behind the program's name; the scope and, where AZURE_TENANT_ID is set, the tenant follow.
  std::vector<std::string> arguments;
  std::string tenant_flag;
  std::string sign_in;  ///< what the user types to sign in
  Result<wire::TokenAnswer> (*parse)(std::string_view output);
};

/// `az account get-access-token`. Source: the tool's reference.
DeveloperTool azure_cli();
/// `azd auth token`. Source: the tool's reference.
DeveloperTool azure_developer_cli();

/// Asks the tool at every call, which takes it half a second and more: TokenCache stands in front.
/// Every failure is `unavailable`; where the tool says why not, so does the message.
class DeveloperToolCredential final : public TokenCredential {
 public:
  static constexpr std::chrono::seconds kTimeLimit{10};

  DeveloperToolCredential(DeveloperTool tool, CredentialSettings settings, Clock& clock);
  Task<Result<AccessToken>> get_token(std::string resource) override;
  void forget(const std::string&) override {}
  std::string name() const override { return tool_.credential; }

 private:
  DeveloperTool tool_;
  CredentialSettings settings_;
  Clock& clock_;
};

}  // namespace latchkey::azure
