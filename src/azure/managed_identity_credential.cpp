#include "azure/managed_identity_credential.hpp"

#include <utility>

#include "azure/arc_key.hpp"
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

}  // namespace

ManagedIdentityCredential::ManagedIdentityCredential(CredentialSettings settings,
                                                     bool may_be_absent, http::HttpClient& http,
                                                     Clock& clock, Random& random)
    : settings_(std::move(settings)),
      host_(host_of(settings_)),
      http_(http),
      clock_(clock),
      random_(random),
      known_(!may_be_absent) {
  if (settings_.pod_identity_host.empty()) settings_.pod_identity_host = kImdsHost;
  while (settings_.pod_identity_host.ends_with('/')) settings_.pod_identity_host.pop_back();
}

ManagedIdentityCredential::Host ManagedIdentityCredential::host_of(
    const CredentialSettings& settings) {
  if (settings.identity_endpoint.empty()) return Host::imds;
  if (!settings.identity_header.empty()) return Host::app_service;
  return settings.imds_endpoint.empty() ? Host::imds : Host::arc;
}

std::string ManagedIdentityCredential::name() const {
  switch (host_) {
    case Host::app_service:
      return "ManagedIdentityCredential (App Service)";
    case Host::arc:
      return "ManagedIdentityCredential (Azure Arc)";
    case Host::imds:
      break;
  }
  return "ManagedIdentityCredential (IMDS)";
}

std::string ManagedIdentityCredential::endpoint_name() const {
  if (host_ == Host::app_service) return "the identity endpoint (IDENTITY_ENDPOINT)";
  if (host_ == Host::arc) return "Azure Arc's identity endpoint (IDENTITY_ENDPOINT)";
  return "the instance metadata service at " + settings_.pod_identity_host;
}

Task<Result<AccessToken>> ManagedIdentityCredential::get_token(std::string resource) {
  if (host_ == Host::arc) {
    Result<http::Response> answer = co_await ask_arc(std::move(resource));
    if (!answer && answer.error().code == "CredentialUnavailable") {
      co_return fail(std::move(answer.error()));
    }
    co_return judge(std::move(answer));
  }
  Result<http::Response> answer = co_await send(std::move(resource), {});
  // Other clouds have something at this address that answers 404: no sign of ours.
  if (answer && answer->status != 404) known_ = true;
  co_return judge(std::move(answer));
}

/// Errors of code CredentialUnavailable say what stands in the way here, not at the endpoint.
Task<Result<http::Response>> ManagedIdentityCredential::ask_arc(std::string resource) {
  if (!settings_.client_id.empty()) {
    co_return fail(ErrorKind::unavailable, "CredentialUnavailable",
                   "Azure Arc gives a machine its own identity only: unset AZURE_CLIENT_ID");
  }
  Result<http::Response> challenge = co_await send(resource, {});
  if (!challenge || challenge->status != 401) co_return challenge;
  const std::string header(challenge->headers.find("WWW-Authenticate").value_or(""));
  auto key = read_arc_key(header, settings_.arc_key_folder);
  if (!key) co_return fail(std::move(key.error()));
  Secret authorization("Basic " + std::string(key->reveal()));
  co_return co_await send(std::move(resource), std::move(authorization));
}

const char* ManagedIdentityCredential::api_version() const {
  switch (host_) {
    case Host::app_service:
      return "2019-08-01";
    case Host::arc:
      return "2020-06-01";
    case Host::imds:
      break;
  }
  return "2018-02-01";
}

RetryOptions ManagedIdentityCredential::retry_options() const {
  RetryOptions options = kRetry;
  options.while_missing = host_ == Host::imds;
  if (host_ == Host::imds && !known_) options.attempts_max = 1;
  return options;
}

Task<Result<http::Response>> ManagedIdentityCredential::send(std::string resource,
                                                             Secret authorization) {
  RetryPolicy policy(http_, clock_, random_, retry_options());
  RetryPolicy::Prepare make = [this, &resource, &authorization] {
    return prepare(resource, authorization);
  };
  Result<http::Response> answer = co_await policy.send(std::move(make));
  co_return answer;
}

Task<Result<http::ClientRequest>> ManagedIdentityCredential::prepare(
    const std::string& resource, const Secret& authorization) const {
  const bool imds = host_ == Host::imds;
  auto url = http::parse_url(imds ? settings_.pod_identity_host + "/metadata/identity/oauth2/token"
                                  : settings_.identity_endpoint);
  if (!url) {
    Error error = std::move(url.error());
    error.kind = ErrorKind::unavailable;
    error.message = std::string(imds ? "AZURE_POD_IDENTITY_AUTHORITY_HOST" : "IDENTITY_ENDPOINT") +
                    " is not a URL: " + error.message;
    co_return fail(std::move(error));
  }
  http::ClientRequest request;
  request.method = http::Method::get;
  request.url = std::move(*url);
  request.url.add_parameter("api-version", api_version());
  request.url.add_parameter("resource", resource);
  if (!settings_.client_id.empty()) request.url.add_parameter("client_id", settings_.client_id);
  if (host_ == Host::app_service) {
    request.headers.add("X-IDENTITY-HEADER", settings_.identity_header.reveal());
  } else {
    request.headers.add("Metadata", "true");
  }
  if (!authorization.empty()) request.headers.add("Authorization", authorization.reveal());
  if (imds && !known_) request.connect_timeout = kProbeConnectTimeout;
  request.headers.add("Accept", "application/json");
  co_return request;
}

Result<AccessToken> ManagedIdentityCredential::judge(Result<http::Response> answer) const {
  // Docker Desktop and some proxies answer for an address that they cannot reach.
  const bool relayed_refusal = answer && host_ == Host::imds && answer->status == 403 &&
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
