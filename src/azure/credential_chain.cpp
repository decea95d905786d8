#include "azure/credential_chain.hpp"

#include <utility>

#include "base/log.hpp"

namespace latchkey::azure {
namespace {

struct Failure {
  std::string member;
  Error error;
};

/// One line for each member, so that a person sees at once which one should have worked.
std::string lines_of(const std::vector<Failure>& failures) {
  std::string lines;
  for (const auto& [member, error] : failures) {
    lines += "  - " + member + ": " + error.message + "\n";
  }
  return lines;
}

Error sum_up(const std::vector<Failure>& failures, const std::string& resource) {
  Error sum;
  sum.kind = ErrorKind::unavailable;
  sum.code = "NoCredential";
  sum.message = "no credential gave a token for " + resource + ". What was tried, in this order:\n";
  sum.message += lines_of(failures);
  for (const auto& [member, error] : failures) {
    if (error.retry_after) sum.retry_after = error.retry_after;
    if (error.kind == ErrorKind::denied && sum.kind != ErrorKind::denied) {
      sum.kind = ErrorKind::denied;
      sum.code = error.code;
      sum.request_id = error.request_id;
      sum.http_status = error.http_status;
    }
  }
  return sum;
}

constexpr std::string_view kRemedy =
    "Give the process an identity: on Azure switch on its managed identity, elsewhere set "
    "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or sign in with az login";
constexpr std::string_view kRefusalRemedy =
    "Those after it were not tried, for its settings say that it is meant: correct or unset them";

}  // namespace

CredentialChain::CredentialChain(std::vector<Member> members) : members_(std::move(members)) {}

std::string CredentialChain::name() const {
  return kept_ == nullptr ? "DefaultAzureCredential" : kept_->name();
}

Task<Result<AccessToken>> CredentialChain::get_token(std::string resource) {
  if (kept_ != nullptr) co_return co_await kept_->get_token(resource);

  std::vector<Failure> failures;
  std::string_view remedy = kRemedy;
  for (const auto& [credential, refusal_ends_walk] : members_) {
    Result<AccessToken> token = co_await credential->get_token(resource);
    if (token) {
      // A walk for another resource, at the same time, may have settled it already.
      if (kept_ == nullptr) {
        kept_ = credential.get();
        passed_over_ = lines_of(failures);
        log::debug("credential_chosen", {{"credential", kept_->name()}});
      }
      co_return token;
    }
    const bool refused = token.error().kind == ErrorKind::denied;
    failures.push_back({credential->name(), std::move(token.error())});
    if (refused && refusal_ends_walk) {
      remedy = kRefusalRemedy;
      break;
    }
  }
  Error sum = sum_up(failures, resource);
  sum.message += remedy;
  co_return fail(std::move(sum));
}

void CredentialChain::forget(const std::string& resource) {
  for (const Member& member : members_) member.credential->forget(resource);
}

}  // namespace latchkey::azure
