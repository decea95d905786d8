#include "azure/managed_identity_credential.hpp"

#include <utility>

#include "azure/token_fetch.hpp"

namespace latchkey::azure {
namespace {
constexpr std::string_view kImdsHost = "http://169.254.169.254";
constexpr std::chrono::milliseconds kProbeConnectTimeout{1000};
constexpr RetryOptions kRetry{.attempts_max = 5,
                              .first_delay = std::chrono::milliseconds{800},
                              .delay_max = std::chrono::seconds{10},
                              .deadline = std::chrono::seconds{30},
                              .attempt_timeout = std::chrono::seconds{10}};

RetryOptions retry_for_imds(bool answered) {
  RetryOptions options = kRetry;
  options.while_missing = true;
  if (!answered) options.attempts_max = 1;
  return options;
}
}  // namespace

ManagedIdentityCredential::ManagedIdentityCredential(CredentialSettings settings,
                                                     http::HttpClient& http, Clock& clock,
                                                     Random& random)
    : settings_(std::move(settings)), http_(http), clock_(clock), random_(random) {
  if (settings_.pod_identity_host.empty()) settings_.pod_identity_host = kImdsHost;
  while (settings_.pod_identity_host.ends_with('/')) settings_.pod_identity_host.pop_back();
}

bool ManagedIdentityCredential::on_app_service() const {
  return !settings_.identity_endpoint.empty() && !settings_.identity_header.empty();
}

std::string ManagedIdentityCredential::name() const {
  return on_app_service() ? "ManagedIdentityCredential (App Service)"
                          : "ManagedIdentityCredential (IMDS)";
}

std::string ManagedIdentityCredential::endpoint_name() const {
  return on_app_service() ? "the identity endpoint (IDENTITY_ENDPOINT)"
                          : "the instance metadata service at " + settings_.pod_identity_host;
}

Task<Result<AccessToken>> ManagedIdentityCredential::get_token(std::string resource) {
  RetryPolicy policy(http_, clock_, random_, on_app_service() ? kRetry : retry_for_imds(answered_));
  RetryPolicy::Prepare make = [this, &resource] { return prepare(resource); };
  Result<http::Response> answer = co_await policy.send(std::move(make));
  // Other clouds have something at this address that answers 404: no sign of ours.
  if (answer && answer->status != 404) answered_ = true;
  co_return judge(std::move(answer));
}

Task<Result<http::ClientRequest>> ManagedIdentityCredential::prepare(std::string resource) const {
  const bool app_service = on_app_service();
  auto url = http::parse_url(app_service
                                 ? settings_.identity_endpoint
                                 : settings_.pod_identity_host + "/metadata/identity/oauth2/token");
  if (!url) {
    Error error = std::move(url.error());
    error.kind = ErrorKind::unavailable;
    error.message =
        std::string(app_service ? "IDENTITY_ENDPOINT" : "AZURE_POD_IDENTITY_AUTHORITY_HOST") +
        " is not a URL: " + error.message;
    co_return fail(std::move(error));
  }
  http::ClientRequest request;
  request.method = http::Method::get;
  request.url = std::move(*url);
  request.url.add_parameter("api-version", app_service ? "2019-08-01" : "2018-02-01");
  request.url.add_parameter("resource", resource);
  if (!settings_.client_id.empty()) request.url.add_parameter("client_id", settings_.client_id);
  if (app_service) {
    request.headers.add("X-IDENTITY-HEADER", settings_.identity_header.reveal());
  } else {
    request.headers.add("Metadata", "true");
    if (!answered_) request.connect_timeout = kProbeConnectTimeout;
  }
  request.headers.add("Accept", "application/json");
  co_return request;
}

Result<AccessToken> ManagedIdentityCredential::judge(Result<http::Response> answer) const {
  // Docker Desktop and some proxies answer for an address that they cannot reach.
  const bool relayed_refusal = answer && !on_app_service() && answer->status == 403 &&
                               answer->body.find("unreachable") != std::string::npos;
  if (relayed_refusal) {
    return fail(ErrorKind::unavailable, "CredentialUnavailable",
                endpoint_name() + " is unreachable from here");
  }
  Result<AccessToken> token = token_from(std::move(answer), endpoint_name(), clock_.now());
  if (token || token.error().kind != ErrorKind::denied) return token;
  Error error = std::move(token.error());
  error.message += settings_.client_id.empty()
                       ? "; switch on the managed identity of this machine or app"
                       : "; AZURE_CLIENT_ID must be the client id of a user-assigned identity of "
                         "this machine or app, or unset for its own";
  return fail(std::move(error));
}

}  // namespace latchkey::azure
