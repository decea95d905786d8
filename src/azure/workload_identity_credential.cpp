#include "azure/workload_identity_credential.hpp"

#include <utility>
#include <vector>

#include "azure/small_file.hpp"
#include "base/text.hpp"
#include "wire/client_assertion.hpp"
#include "wire/jwt.hpp"

namespace latchkey::azure {

WorkloadIdentityCredential::WorkloadIdentityCredential(CredentialSettings settings,
                                                       http::HttpClient& http, Clock& clock,
                                                       Random& random)
    : settings_(std::move(settings)), grant_(settings_, http, clock, random) {}

std::string WorkloadIdentityCredential::problem() const {
  std::vector<std::string_view> missing;
  if (settings_.tenant_id.empty()) missing.emplace_back("AZURE_TENANT_ID");
  if (settings_.client_id.empty()) missing.emplace_back("AZURE_CLIENT_ID");
  if (settings_.federated_token_file.empty()) missing.emplace_back("AZURE_FEDERATED_TOKEN_FILE");
  return missing.empty() ? grant_.problem() : not_set(missing);
}

Task<Result<AccessToken>> WorkloadIdentityCredential::get_token(std::string resource) {
  const std::string wrong = problem();
  if (!wrong.empty()) co_return fail(ErrorKind::unavailable, "CredentialUnavailable", wrong);
  auto proof = prove();
  if (!proof) co_return fail(std::move(proof.error()));
  co_return co_await grant_.ask(std::move(resource), std::move(*proof));
}

Result<Secret> WorkloadIdentityCredential::prove() const {
  constexpr std::string_view kName = "AZURE_FEDERATED_TOKEN_FILE";
  const auto file = read_small_file(kName, settings_.federated_token_file, wire::kTokenBytesMax);
  if (!file) return fail(file.error());
  const std::string_view token = trim(file->reveal());
  if (token.empty()) {
    return fail(ErrorKind::unavailable, "CredentialUnavailable",
                std::string(kName) + " (" + settings_.federated_token_file + ") is empty");
  }
  return wire::client_assertion_parameters(Secret(std::string(token)));
}

}  // namespace latchkey::azure
