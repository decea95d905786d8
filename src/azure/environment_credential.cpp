#include "azure/environment_credential.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "azure/token_fetch.hpp"
#include "base/encoding.hpp"

namespace latchkey::azure {
namespace {
constexpr std::string_view kPublicAuthority = "https://login.microsoftonline.com";
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

std::string joined(const std::vector<std::string_view>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += i + 1 == names.size() ? " and " : ", ";
    out += names[i];
  }
  return out;
}
}  // namespace

EnvironmentCredential::EnvironmentCredential(CredentialSettings settings, http::HttpClient& http,
                                             Clock& clock, Random& random)
    : settings_(std::move(settings)), http_(http), clock_(clock), random_(random) {
  if (settings_.authority_host.empty()) settings_.authority_host = kPublicAuthority;
  while (settings_.authority_host.ends_with('/')) settings_.authority_host.pop_back();
}

std::string EnvironmentCredential::problem() const {
  std::vector<std::string_view> missing;
  if (settings_.tenant_id.empty()) missing.emplace_back("AZURE_TENANT_ID");
  if (settings_.client_id.empty()) missing.emplace_back("AZURE_CLIENT_ID");
  if (settings_.client_secret.empty()) missing.emplace_back("AZURE_CLIENT_SECRET");
  if (!missing.empty())
    return joined(missing) + (missing.size() == 1 ? " is" : " are") + " not set";
  if (!is_tenant(settings_.tenant_id)) {
    return "AZURE_TENANT_ID must be a tenant's GUID or domain name";
  }
  const auto authority = http::parse_url(settings_.authority_host);
  if (!authority || !authority->query.empty()) return "AZURE_AUTHORITY_HOST is not a URL";
  if (!authority->is_https()) {
    return "AZURE_AUTHORITY_HOST must be https, for the client secret is sent there";
  }
  return {};
}

Task<Result<AccessToken>> EnvironmentCredential::get_token(std::string resource) {
  const std::string wrong = problem();
  if (!wrong.empty()) co_return fail(ErrorKind::unavailable, "CredentialUnavailable", wrong);

  RetryPolicy policy(http_, clock_, random_, kRetry);
  RetryPolicy::Prepare make = [this, &resource] { return prepare(resource); };
  Result<http::Response> answer = co_await policy.send(std::move(make));
  co_return token_from(std::move(answer), "the token endpoint of tenant " + settings_.tenant_id,
                       clock_.now());
}

Task<Result<http::ClientRequest>> EnvironmentCredential::prepare(std::string resource) const {
  auto url =
      http::parse_url(settings_.authority_host + "/" + settings_.tenant_id + "/oauth2/v2.0/token");
  if (!url) co_return fail(std::move(url.error()));
  http::ClientRequest request;
  request.method = http::Method::post;
  request.url = std::move(*url);
  request.headers.add("Content-Type", "application/x-www-form-urlencoded");
  request.headers.add("Accept", "application/json");
  request.body = "grant_type=client_credentials&client_id=" + percent_encode(settings_.client_id) +
                 "&client_secret=" + percent_encode(settings_.client_secret.reveal()) +
                 "&scope=" + percent_encode(resource + "/.default");
  request.replayable = true;  // Asking twice for a token changes nothing.
  co_return request;
}

}  // namespace latchkey::azure
