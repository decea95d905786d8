#include "azure/credential.hpp"

#include <array>
#include <utility>

#include "azure/client_credentials_grant.hpp"
#include "azure/credential_chain.hpp"
#include "azure/developer_tool_credential.hpp"
#include "azure/environment_credential.hpp"
#include "azure/managed_identity_credential.hpp"
#include "azure/token_cache.hpp"
#include "azure/workload_identity_credential.hpp"
#include "base/text.hpp"

namespace latchkey::azure {
namespace {

/// The members in the chain's order, by their names in AZURE_TOKEN_CREDENTIALS.
enum Member { environment, workload_identity, managed_identity, cli, developer_cli, member_count };
constexpr std::array<std::string_view, member_count> kNames{
    "EnvironmentCredential", "WorkloadIdentityCredential", "ManagedIdentityCredential",
    "AzureCliCredential", "AzureDeveloperCliCredential"};

/// As SDKs for other languages than C++ have it: "dev" is the developer's tools and nothing else.
Result<std::vector<Member>> chosen_members(std::string_view text) {
  const std::string name = to_lower(trim(text));
  if (name.empty()) {
    return std::vector{environment, workload_identity, managed_identity, cli, developer_cli};
  }
  if (name == "prod") return std::vector{environment, workload_identity, managed_identity};
  if (name == "dev") return std::vector{cli, developer_cli};
  std::string known = "prod, dev";
  for (int i = 0; i < member_count; ++i) {
    if (iequals(name, kNames[static_cast<std::size_t>(i)])) return std::vector{Member(i)};
    known += ", " + std::string(kNames[static_cast<std::size_t>(i)]);
  }
  return fail(ErrorKind::invalid_argument, "InvalidSetting",
              "AZURE_TOKEN_CREDENTIALS names no credential that is known here. It is one of: " +
                  known + ". Example: AZURE_TOKEN_CREDENTIALS=prod");
}

}  // namespace

Result<std::unique_ptr<TokenCredential>> make_default_credential(CredentialSettings settings,
                                                                 http::HttpClient& http,
                                                                 Clock& clock, Random& random,
                                                                 Executor executor) {
  const auto chosen = chosen_members(settings.chosen);
  if (!chosen) return fail(chosen.error());
  if (auto authority = authority_from(settings); !authority) return fail(authority.error());

  const auto make = [&](Member member) -> CredentialChain::Member {
    switch (member) {
      case environment:
        return {std::make_unique<EnvironmentCredential>(settings, http, clock, random), true};
      case workload_identity:
        return {std::make_unique<WorkloadIdentityCredential>(settings, http, clock, random), true};
      case managed_identity: {
        const bool may_be_absent = chosen->size() > 1;
        return {std::make_unique<ManagedIdentityCredential>(settings, may_be_absent, http, clock,
                                                            random)};
      }
      case cli:
        return {std::make_unique<DeveloperToolCredential>(azure_cli(), settings, clock)};
      default:
        return {std::make_unique<DeveloperToolCredential>(azure_developer_cli(), settings, clock)};
    }
  };
  std::vector<CredentialChain::Member> members;
  for (const Member member : *chosen) members.push_back(make(member));
  return std::make_unique<TokenCache>(std::make_unique<CredentialChain>(std::move(members)), clock,
                                      executor);
}

Result<std::unique_ptr<TokenCredential>> make_default_credential(CredentialSettings settings,
                                                                 http::HttpClient& http,
                                                                 Clock& clock, Executor executor) {
  static SystemRandom system_random;  // Stateless: one instance serves all threads.
  return make_default_credential(std::move(settings), http, clock, system_random, executor);
}

}  // namespace latchkey::azure
