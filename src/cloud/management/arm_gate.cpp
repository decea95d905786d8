#include "cloud/management/arm_gate.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/log.hpp"
#include "cloud/request_facts.hpp"

namespace latchkey::cloud {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 2> kAudiences{"https://management.azure.com",
                                                     "https://management.core.windows.net"};

}  // namespace

ArmGate::ArmGate(const Tenancy& tenancy, const RoleAssignments& roles, Authenticator& authenticator)
    : tenancy_(tenancy), roles_(roles), authenticator_(authenticator) {}

std::optional<http::Response> ArmGate::refuse(const http::Request& request,
                                              const ArmCall& call) const {
  const auto token = bearer_token(request);
  if (!token) {
    return challenge("Authentication failed. The 'Authorization' header is missing.");
  }
  const auto caller = authenticator_.authenticate(*token, kAudiences);
  if (!caller) return challenge("Authentication failed. " + caller.error().message);
  const auto query = http::parse_query(request.query_text());
  if (!query || http::find_parameter(*query, "api-version") == nullptr) {
    return arm_error(400, "MissingApiVersionParameter",
                     "The api-version query parameter (?api-version=) is required for all "
                     "requests.");
  }
  if (roles_.allowed_to_manage(caller->object_id, call.action, call.scope)) return std::nullopt;
  log::info("role_missing",
            {{"principal", caller->object_id}, {"action", call.action}, {"resource", call.scope}});
  return arm_error(
      403, "AuthorizationFailed",
      fmt::format("The client '{}' with object id '{}' does not have authorization to perform "
                  "action '{}' over scope '{}' or the scope is invalid. If access was recently "
                  "granted, please refresh your credentials.",
                  caller->client_id, caller->object_id, call.action, call.scope));
}

http::Response ArmGate::challenge(std::string_view message) const {
  auto response = arm_error(401, "AuthenticationFailed", message);
  response.headers.set(
      "WWW-Authenticate",
      fmt::format("Bearer authorization_uri=\"https://localhost:{}/{}\", error=\"invalid_token\", "
                  "error_description=\"The access token is missing or invalid.\"",
                  port_, tenancy_.tenant_id));
  return response;
}

http::Response arm_error(int status, std::string_view code, std::string_view message) {
  return http::json_response(
      status,
      json::serialize(json::object{{"error", json::object{{"code", code}, {"message", message}}}}));
}

http::Response arm_error(const Error& error) {
  switch (error.kind) {
    case ErrorKind::invalid_argument:
      return arm_error(400, error.code, error.message);
    case ErrorKind::not_found:
      return arm_error(404, error.code, error.message);
    case ErrorKind::conflict:
      return arm_error(409, error.code, error.message);
    default:
      log::error("management_failed", {{"problem", error.message}});
      return arm_error(500, "InternalServerError", "The store failed; see the log.");
  }
}

bool is_guid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (dash ? c != '-' : !hex) return false;
  }
  return true;
}

}  // namespace latchkey::cloud
