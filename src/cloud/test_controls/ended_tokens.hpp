#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "cloud/identity/signing_keys.hpp"
#include "http/message.hpp"

/// Tokens that have ended already: made of good ones, so that services refuse them, and clients
/// throw them away, by the same code as ever.
namespace latchkey::cloud {

/// `token` as it would be had it ended an hour ago; nullopt when it is none of ours.
std::optional<std::string> ended_token(std::string_view token, const SigningKeys& keys,
                                       UtcTime now);

/// Puts an ended token into the answer of a token service, and says so in its times. An answer
/// without a token of ours stays as it is.
void end_token_in(http::Response& answer, const SigningKeys& keys, UtcTime now);

/// The same request with its bearer token ended; nullopt when it has none of ours.
std::optional<http::Request> with_ended_token(const http::Request& request, const SigningKeys& keys,
                                              UtcTime now);

}  // namespace latchkey::cloud
