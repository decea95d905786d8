#include "cloud/proxy/azure_proxy.hpp"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "cloud/request_facts.hpp"
#include "http/tunnel.hpp"

namespace latchkey::cloud {
namespace {

/// Names of the local cloud's own endpoints are reached without the proxy.
constexpr std::string_view kRefusal =
    "{} is not served here: this proxy stands in for Azure's login, management, Key Vault, Queue "
    "Storage and azurewebsites.net names and passes nothing on. Add the name to NO_PROXY if the "
    "program may reach it directly.\n";

http::Response want_credentials() {
  auto response = http::text_response(
      407,
      "this proxy serves identities of the local cloud: user is the identity's name, password "
      "its identity header; `latchkey run -- COMMAND` sets both\n");
  response.headers.set("Proxy-Authenticate", "Basic realm=\"latchkey\"");
  return response;
}

/// Also in the status line, which is all that many clients show of a refused CONNECT.
http::Response refuse_name(std::string_view host) {
  log::warning("proxy_refused", {{"host", host}});
  auto response = http::text_response(403, fmt::format(kRefusal, host));
  response.reason = fmt::format("Forbidden: {} is not served by the local cloud", host);
  return response;
}

/// The host of "host:port" in lower case; nullopt without a port.
std::optional<std::string> host_of_authority(std::string_view authority) {
  const auto colon = authority.rfind(':');
  if (colon == authority.npos) return std::nullopt;
  const auto port = parse_integer<std::uint16_t>(authority.substr(colon + 1));
  if (!port || *port == 0 || colon == 0) return std::nullopt;
  return to_lower(authority.substr(0, colon));
}

/// In Azure these have http as well: IMDS has nothing else.
bool has_plain_http(AzureService service) {
  return service == AzureService::metadata || service == AzureService::queue ||
         service == AzureService::functions;
}

std::optional<http::Response> refuse_plain(std::string_view host, AzureService service,
                                           const http::Request& request) {
  if (request.over_tls || has_plain_http(service)) return std::nullopt;
  return http::text_response(400, fmt::format("{} speaks https only\n", host));
}

Task<http::Response> ready(http::Response response) {
  co_return response;
}

/// `request` lives as long as the handler works on it.
Task<http::Response> hand_over(const http::Handler& handler, http::Request request) {
  co_return co_await handler(request);
}

}  // namespace

AzureProxy::AzureProxy(ProxyServices services, LeafCertificates certificates, Check check)
    : services_(std::move(services)),
      certificates_(std::move(certificates)),
      check_(std::move(check)) {}

http::Handler AzureProxy::handler() {
  return [this](const http::Request& request) { return answer(request); };
}

std::optional<AzureProxy::Credentials> AzureProxy::credentials_of(
    const http::Request& request) const {
  constexpr std::string_view kScheme = "Basic ";
  const auto field = request.headers.find("Proxy-Authorization").value_or("");
  if (!istarts_with(field, kScheme)) return std::nullopt;
  const auto decoded = from_base64(trim(field.substr(kScheme.size())));
  const auto text = decoded ? as_text(*decoded) : std::string_view();
  const auto colon = text.find(':');
  if (colon == text.npos) return std::nullopt;
  Credentials sent{std::string(text.substr(0, colon)), Secret(std::string(text.substr(colon + 1)))};
  if (!check_(sent.name, sent.identity_header.reveal())) return std::nullopt;
  return sent;
}

Task<http::Response> AzureProxy::answer(const http::Request& request) {
  auto credentials = credentials_of(request);
  if (!credentials) return ready(want_credentials());
  if (request.method == http::Method::connect) {
    return ready(connect(request, std::move(*credentials)));
  }
  return plain(request, *credentials);
}

http::Response AzureProxy::connect(const http::Request& request, Credentials credentials) {
  const auto host = host_of_authority(request.target);
  if (!host) return http::text_response(400, "CONNECT needs host:port\n");
  const auto service = azure_service(*host);
  if (!service) return refuse_name(*host);
  auto tls = certificates_.of(*host);
  if (!tls) {
    log::error("proxy_certificate_failed", {{"host", *host}, {"problem", tls.error().message}});
    return http::text_response(502, "no certificate could be made for this name\n");
  }
  log::debug("proxy_connect", {{"host", *host}, {"identity", credentials.name}});
  http::Response response;
  response.tunnel = std::make_shared<const http::Tunnel>(
      http::Tunnel{.tls = *tls,
                   .handler = [this, place = Place{.host = *host, .service = *service},
                               credentials = std::move(credentials)](const http::Request& inner) {
                     return inside(place, credentials, inner);
                   }});
  return response;
}

Task<http::Response> AzureProxy::inside(const Place& place, const Credentials& credentials,
                                        const http::Request& request) {
  // Who asks for another host inside wants to be mistaken for somebody.
  if (request_host(request) != place.host) {
    return ready(http::text_response(
        421, fmt::format("this connection is to {}; Host says something else\n", place.host)));
  }
  if (auto refusal = refuse_plain(place.host, place.service, request))
    return ready(std::move(*refusal));
  if (place.service != AzureService::metadata) return handler_of(place.service)(request);
  return answer_as(credentials, place.service, request);
}

Task<http::Response> AzureProxy::plain(http::Request request, const Credentials& credentials) {
  request.headers.remove("Proxy-Authorization");
  request.headers.remove("Proxy-Connection");
  if (!request.target.starts_with('/')) {
    // The absolute form's host counts, whatever Host says (RFC 9112 section 3.2.2).
    const auto url = http::parse_url(request.target);
    if (!url) return ready(http::text_response(400, url.error().message + "\n"));
    if (url->is_https()) return ready(http::text_response(400, "https goes by CONNECT\n"));
    request.headers.set("Host", url->authority());
    request.target = url->target();
  }
  Place place{.host = request_host(request)};
  const auto service = azure_service(place.host);
  if (!service) return ready(refuse_name(place.host));
  place.service = *service;
  if (auto refusal = refuse_plain(place.host, place.service, request))
    return ready(std::move(*refusal));
  return answer_as(credentials, place.service, std::move(request));
}

Task<http::Response> AzureProxy::answer_as(const Credentials& credentials, AzureService service,
                                           http::Request request) {
  if (service == AzureService::metadata) {
    request.headers.set("X-IDENTITY-HEADER", credentials.identity_header.reveal());
  }
  return hand_over(handler_of(service), std::move(request));
}

const http::Handler& AzureProxy::handler_of(AzureService service) const {
  switch (service) {
    case AzureService::login:
      return services_.login;
    case AzureService::management:
      return services_.management;
    case AzureService::vault:
      return services_.vault;
    case AzureService::queue:
      return services_.queue;
    case AzureService::functions:
      return services_.functions;
    case AzureService::metadata:
      break;
  }
  return services_.metadata;
}

}  // namespace latchkey::cloud
