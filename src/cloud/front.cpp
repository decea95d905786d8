#include "cloud/front.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"
#include "cloud/management/role_assignment_service.hpp"
#include "cloud/request_facts.hpp"

namespace latchkey::cloud {
namespace {

/// What Key Vault's paths begin with; the vault itself says which of them it has.
constexpr std::array<std::string_view, 4> kVaultPaths{"secrets", "deletedsecrets", "keys",
                                                      "certificates"};

std::string_view first_segment(std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  return path.substr(0, path.find('/'));
}

const http::Handler& choose(const FrontServices& services, const http::Request& request) {
  const auto host = request_host(request);
  if (host == "vault.localhost" || host.ends_with(".vault.localhost")) return services.vault;
  if (host == "login.localhost") return services.login;
  if (host == "management.localhost") return services.management;
  const auto path = request.path();
  const auto first = first_segment(path);
  if (std::ranges::find(kVaultPaths, first) != kVaultPaths.end()) return services.vault;
  const bool manages = RoleAssignmentService::serves(path) || iequals(first, "subscriptions");
  return manages ? services.management : services.login;
}

Task<http::Response> answer_and_log(const std::string& server, const http::Handler& handler,
                                    const http::Request& request) {
  auto response = co_await handler(request);
  log::debug("request", {{"server", server},
                         {"method", request.method_name},
                         {"path", request.path()},
                         {"status", response.status}});
  co_return response;
}

}  // namespace

http::Handler make_front(FrontServices services) {
  return [services = std::move(services)](const http::Request& request) {
    return choose(services, request)(request);
  };
}

http::Handler with_request_log(std::string server, http::Handler handler) {
  if (!log::enabled(log::Level::debug)) return handler;
  // The server keeps this function for as long as a request of it runs.
  return [server = std::move(server), handler = std::move(handler)](const http::Request& request) {
    return answer_and_log(server, handler, request);
  };
}

}  // namespace latchkey::cloud
