#pragma once

#include <string_view>

#include "base/result.hpp"
#include "http/message.hpp"

/// Refusals of a vault: {"error":{"code","message","innererror"?}}. Always with a body: older
/// clients for Go fall over an empty one.
namespace latchkey::cloud {

http::Response vault_error(int status, std::string_view code, std::string_view message,
                           std::string_view inner = {});
/// 400 BadParameter.
http::Response bad_parameter(std::string_view message);
/// What the store's error means here.
http::Response vault_error(const Error& error);
/// 429 Throttled. A client must wait `seconds`.
http::Response throttled(std::int64_t seconds);

}  // namespace latchkey::cloud
