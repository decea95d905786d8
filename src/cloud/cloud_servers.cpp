#include <fmt/format.h>

#include <utility>

#include "base/text.hpp"
#include "cloud/cloud_impl.hpp"
#include "cloud/front.hpp"

namespace latchkey::cloud {
namespace {

http::ServerOptions server_options(const CloudOptions& options, const char* name,
                                   std::uint16_t port) {
  http::ServerOptions made;
  made.name = name;
  made.addresses = options.addresses;
  made.port = port;
  return made;
}

}  // namespace

http::Handler Cloud::Impl::service_of(FaultTarget target) {
  switch (target) {
    case FaultTarget::identity:
      return managed_identities->handler();
    case FaultTarget::login:
      return login->handler();
    case FaultTarget::vault:
      return vault_service->handler();
    case FaultTarget::queue:  // It comes later: it wants to know the login service's port.
      return [this](const http::Request& request) { return queue_handler(request); };
    case FaultTarget::functions:
      return functions->handler();
    case FaultTarget::management:
      return management_handler();
  }
  return {};
}

http::Handler Cloud::Impl::exposed(FaultTarget target) {
  auto service = controls->around(target, service_of(target));
  return target == FaultTarget::management ? controls->before(std::move(service)) : service;
}

http::Handler Cloud::Impl::management_handler() {
  return [vault = vault_management->handler(), keys = key_management->handler(),
          others = management->handler()](const http::Request& request) {
    if (VaultManagement::serves(request.path())) return vault(request);
    return KeyManagement::serves(request.path()) ? keys(request) : others(request);
  };
}

Result<> Cloud::Impl::listen(const CloudOptions& options) {
  auto tls = http::TlsServerContext::from_pem(folder.server_chain_pem(), folder.server_key_pem());
  if (!tls) return fail(tls.error());
  auto identity = server_options(options, "identity", options.ports.identity);
  auto vault_options = server_options(options, "vault", options.ports.vault_and_login);
  vault_options.tls = *tls;
  vault_options.tls_only = true;
  auto queue = server_options(options, "queue", options.ports.queue);
  queue.tls = *tls;
  auto function = server_options(options, "functions", options.ports.functions);

  auto done = listen_on(identity_server, std::move(identity), exposed(FaultTarget::identity));
  if (!done) return done;
  done = listen_on(vault_server, std::move(vault_options),
                   make_front({.vault = exposed(FaultTarget::vault),
                               .login = exposed(FaultTarget::login),
                               .management = exposed(FaultTarget::management)}));
  if (!done) return done;
  done = listen_on(queue_server, std::move(queue), exposed(FaultTarget::queue));
  if (!done) return done;
  done = listen_on(functions_server, std::move(function),
                   [this, handler = exposed(FaultTarget::functions)](const http::Request& request) {
                     return request.path() == "/metrics" ? show_metrics(request) : handler(request);
                   });
  if (!done) return done;
  return listen_as_azure(options);
}

Result<> Cloud::Impl::listen_as_azure(const CloudOptions& options) {
  const auto logged = [](http::Handler handler) {
    return with_request_log("proxy", std::move(handler));
  };
  const auto has_header = [this](std::string_view name, std::string_view header) {
    if (name == AzureProxy::kNobody) return proxy_password.equals(header);
    const auto* identity = identities->by_header(header);
    return identity != nullptr && iequals(identity->name, name);
  };
  ProxyServices services{.login = logged(exposed(FaultTarget::login)),
                         .management = logged(exposed(FaultTarget::management)),
                         .vault = logged(exposed(FaultTarget::vault)),
                         .queue = logged(exposed(FaultTarget::queue)),
                         .functions = logged(exposed(FaultTarget::functions)),
                         .metadata = logged(exposed(FaultTarget::identity))};
  proxy = std::make_unique<AzureProxy>(
      std::move(services), LeafCertificates(folder.authority(), clock.real()), has_header);
  auto made = server_options(options, "proxy", options.ports.proxy);
  made.addresses = {"127.0.0.1", "::1"};  // Whatever the others listen on: never for the network.
  return listen_on(proxy_server, std::move(made), proxy->handler());
}

Task<http::Response> Cloud::Impl::show_metrics(const http::Request& request) {
  if (request.method != http::Method::get) {
    auto refusal = http::text_response(405, "GET only");
    refusal.headers.set("Allow", "GET");
    co_return refusal;
  }
  auto response = http::text_response(200, metrics.render());
  response.headers.set("Content-Type", Metrics::kContentType);
  co_return response;
}

Result<> Cloud::Impl::listen_on(std::unique_ptr<http::Server>& server, http::ServerOptions options,
                                http::Handler handler) {
  const auto name = options.name;
  const auto port = options.port;
  auto listening = http::Server::listen(executor, std::move(options),
                                        with_request_log(name, std::move(handler)), clock);
  if (!listening) {
    auto error = listening.error();
    error.message = fmt::format(
        "the {} endpoint cannot have port {}: {} (--ports {}=NUMBER chooses another, --ports auto "
        "takes free ones)",
        name, port, error.message, name);
    return fail(std::move(error));
  }
  server = std::move(*listening);
  return {};
}

void Cloud::Impl::tell_ports() {
  const auto https_port = vault_server->port();
  vault_service->set_port(https_port);
  vault_management->set_port(https_port);
  login->set_port(https_port);
  arm_gate->set_port(https_port);
  endpoints = {.functions = fmt::format("http://localhost:{}", functions_server->port()),
               .queue = fmt::format("https://localhost:{}/{}", queue_server->port(), kAccount),
               .vault = fmt::format("https://{}.vault.localhost:{}", kVault, https_port),
               .identity = fmt::format("http://localhost:{}/msi/token", identity_server->port()),
               .login = fmt::format("https://localhost:{}", https_port),
               // By address: older clients do not try ::1 and then 127.0.0.1 for a proxy.
               .proxy = fmt::format("http://127.0.0.1:{}", proxy_server->port())};
}

}  // namespace latchkey::cloud
