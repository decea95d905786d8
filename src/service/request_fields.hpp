#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "http/message.hpp"

/// The request header fields that the API knows. Pure.
namespace latchkey::service {

/// Idempotency-Key (IETF draft of that name): 16 to 128 visible ASCII characters, so that nobody
/// meets another's by chance; with or without the quotes that the draft puts around it. Empty when
/// absent. The error side is the 400 to answer.
tl::expected<std::string, http::Response> idempotency_key(const http::Headers& headers);

/// "Prefer: wait=N" (RFC 7240 section 4.3), at most `max`; nullopt when absent or not understood,
/// for a preference is no command.
std::optional<std::chrono::seconds> preferred_wait(const http::Headers& headers,
                                                   std::chrono::seconds max);

}  // namespace latchkey::service
