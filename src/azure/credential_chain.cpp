#include "azure/credential_chain.hpp"

#include <utility>

#include "base/log.hpp"

namespace latchkey::azure {
namespace {

Error sum_up(const std::vector<std::pair<std::string, Error>>& failures,
             const std::string& resource) {
  Error sum;
  sum.kind = ErrorKind::unavailable;
  sum.code = "NoCredential";
  sum.message = "no credential gave a token for " + resource + ": ";
  bool first = true;
  for (const auto& [member, error] : failures) {
    if (!first) sum.message += "; ";
    first = false;
    sum.message += member + ": " + error.message;
    if (error.retry_after) sum.retry_after = error.retry_after;
    if (error.kind == ErrorKind::denied && sum.kind != ErrorKind::denied) {
      sum.kind = ErrorKind::denied;
      sum.code = error.code;
      sum.request_id = error.request_id;
      sum.http_status = error.http_status;
    }
  }
  sum.message +=
      ". Give the process an identity: on Azure switch on its managed identity, elsewhere set "
      "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or IDENTITY_ENDPOINT and "
      "IDENTITY_HEADER";
  return sum;
}

}  // namespace

CredentialChain::CredentialChain(std::vector<std::unique_ptr<TokenCredential>> members)
    : members_(std::move(members)) {}

Task<Result<AccessToken>> CredentialChain::get_token(std::string resource) {
  if (kept_ != nullptr) co_return co_await kept_->get_token(resource);

  std::vector<std::pair<std::string, Error>> failures;
  for (const auto& member : members_) {
    Result<AccessToken> token = co_await member->get_token(resource);
    if (token) {
      // A walk for another resource, at the same time, may have settled it already.
      if (kept_ == nullptr) {
        kept_ = member.get();
        log::debug("credential_chosen", {{"credential", kept_->name()}});
      }
      co_return token;
    }
    failures.emplace_back(member->name(), std::move(token.error()));
  }
  co_return fail(sum_up(failures, resource));
}

void CredentialChain::forget(const std::string& resource) {
  for (const auto& member : members_) member->forget(resource);
}

}  // namespace latchkey::azure
