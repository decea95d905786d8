#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

/// The queue message: what was issued, exactly {"code":"ojE-161-pTv","timestamp":"2020-04-15
/// 16:54:48.816549"}.
namespace latchkey::codes {

struct CodeMessage {
  Secret code;
  UtcTime timestamp{};
};

std::string render_message(const CodeMessage& message);

/// Reads JSON and the Python literal that the original sample sends ({'code': 'ojE-161-pTv', ...}),
/// each plain or as Base64; the timestamp with or without its fraction; unknown members are
/// ignored. Error: invalid_argument; the message says what is wrong and never quotes the text.
Result<CodeMessage> parse_message(std::string_view text);

}  // namespace latchkey::codes
