#include "cloud/vault/vault_answers.hpp"

#include "base/log.hpp"
#include "wire/vault_json.hpp"

namespace latchkey::cloud {

http::Response vault_error(int status, std::string_view code, std::string_view message,
                           std::string_view inner) {
  return http::json_response(status, wire::render_vault_error(code, message, inner));
}

http::Response bad_parameter(std::string_view message) {
  return vault_error(400, "BadParameter", message);
}

http::Response vault_error(const Error& error) {
  switch (error.kind) {
    case ErrorKind::not_found:
      return vault_error(404, error.code, error.message);
    case ErrorKind::invalid_argument:
      return bad_parameter(error.message);
    case ErrorKind::conflict:
      return vault_error(409, "Conflict", error.message,
                         error.code == "Conflict" ? "" : error.code);
    case ErrorKind::throttled:
      return throttled(1);
    default:
      log::error("vault_store_failed", {{"problem", error.message}});
      return vault_error(500, "InternalServerError", "The vault's store failed; see the log.");
  }
}

http::Response throttled(std::int64_t seconds) {
  auto response =
      vault_error(429, "Throttled",
                  "Request was not processed because too many requests were received. Reason: "
                  "VaultRequestTypeLimitReached");
  response.headers.set("Retry-After", std::to_string(seconds));
  return response;
}

}  // namespace latchkey::cloud
