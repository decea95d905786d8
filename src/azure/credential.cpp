#include "azure/credential.hpp"

#include <utility>

#include "azure/credential_chain.hpp"
#include "azure/environment_credential.hpp"
#include "azure/managed_identity_credential.hpp"
#include "azure/token_cache.hpp"

namespace latchkey::azure {

std::unique_ptr<TokenCredential> make_default_credential(CredentialSettings settings,
                                                         http::HttpClient& http, Clock& clock,
                                                         Random& random, Executor executor) {
  std::vector<std::unique_ptr<TokenCredential>> members;
  members.push_back(std::make_unique<EnvironmentCredential>(settings, http, clock, random));
  members.push_back(
      std::make_unique<ManagedIdentityCredential>(std::move(settings), http, clock, random));
  return std::make_unique<TokenCache>(std::make_unique<CredentialChain>(std::move(members)), clock,
                                      executor);
}

std::unique_ptr<TokenCredential> make_default_credential(CredentialSettings settings,
                                                         http::HttpClient& http, Clock& clock,
                                                         Executor executor) {
  static SystemRandom system_random;  // Stateless: one instance serves all threads.
  return make_default_credential(std::move(settings), http, clock, system_random, executor);
}

}  // namespace latchkey::azure
