#include "azure/client_credentials_grant.hpp"

#include <algorithm>
#include <utility>

#include "azure/clouds.hpp"
#include "azure/retry_policy.hpp"
#include "azure/token_fetch.hpp"
#include "base/encoding.hpp"

namespace latchkey::azure {
namespace {
constexpr RetryOptions kRetry{.attempts_max = 4,
                              .first_delay = std::chrono::milliseconds{800},
                              .delay_max = std::chrono::seconds{10},
                              .deadline = std::chrono::seconds{30},
                              .attempt_timeout = std::chrono::seconds{10}};

/// A GUID or a domain name: what may stand in the path unescaped.
bool is_tenant(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '-';
  });
}
}  // namespace

ClientCredentialsGrant::ClientCredentialsGrant(const CredentialSettings& settings,
                                               http::HttpClient& http, Clock& clock, Random& random)
    : tenant_id_(settings.tenant_id),
      client_id_(settings.client_id),
      authority_(authority_from(settings).value_or("")),
      http_(http),
      clock_(clock),
      random_(random) {}

std::string ClientCredentialsGrant::problem() const {
  if (!is_tenant(tenant_id_)) return "AZURE_TENANT_ID must be a tenant's GUID or domain name";
  if (authority_.empty()) return "AZURE_AUTHORITY_HOST must be an https URL";
  return {};
}

std::string ClientCredentialsGrant::token_url() const {
  return authority_ + "/" + tenant_id_ + "/oauth2/v2.0/token";
}

Task<Result<AccessToken>> ClientCredentialsGrant::ask(std::string resource, Secret proof) const {
  std::string form = "grant_type=client_credentials&client_id=" + percent_encode(client_id_) + "&";
  form += proof.reveal();
  form += "&scope=" + percent_encode(resource + "/.default");
  RetryPolicy policy(http_, clock_, random_, kRetry);
  RetryPolicy::Prepare make = [this, &form] { return prepare(form); };
  Result<http::Response> answer = co_await policy.send(std::move(make));
  co_return token_from(std::move(answer), "the token endpoint of tenant " + tenant_id_,
                       clock_.now());
}

Task<Result<http::ClientRequest>> ClientCredentialsGrant::prepare(const std::string& form) const {
  auto url = http::parse_url(token_url());
  if (!url) co_return fail(std::move(url.error()));
  http::ClientRequest request;
  request.method = http::Method::post;
  request.url = std::move(*url);
  request.headers.add("Content-Type", "application/x-www-form-urlencoded");
  request.headers.add("Accept", "application/json");
  request.body = form;
  request.replayable = true;  // Asking twice for a token changes nothing.
  co_return request;
}

Result<std::string> authority_from(const CredentialSettings& settings) {
  std::string authority = settings.authority_host;
  if (authority.empty()) authority = public_cloud().authority;
  while (authority.ends_with('/')) authority.pop_back();
  const auto url = http::parse_url(authority);
  if (url && url->is_https() && url->query.empty()) return authority;
  return fail(ErrorKind::invalid_argument, "InvalidAuthority",
              "AZURE_AUTHORITY_HOST must be an https URL, for the proof of who we are is sent "
              "there. Example: AZURE_AUTHORITY_HOST=" +
                  std::string(public_cloud().authority));
}

std::string not_set(const std::vector<std::string_view>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " and " : ", ";
    text += names[i];
  }
  if (!names.empty()) text += names.size() == 1 ? " is not set" : " are not set";
  return text;
}

}  // namespace latchkey::azure
