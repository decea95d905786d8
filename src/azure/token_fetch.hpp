#pragma once

#include <string>

#include "azure/credential.hpp"
#include "http/message.hpp"
#include "wire/token_json.hpp"

/// What all token endpoints have in common: from an answer, or none, to a token or an error whose
/// kind is denied (the endpoint said no) or unavailable (anything else).
namespace latchkey::azure {

/// No token endpoint has more to say.
inline constexpr std::size_t kTokenAnswerBytesMax = std::size_t{64} * 1024;

/// `who` names the endpoint in messages. Refused besides errors: answers that are too long or no
/// token answer, tokens that have expired already, and tokens with characters that cannot stand in
/// a header. Where the endpoint gives no refresh_in, refresh_on follows from the lifetime.
Result<AccessToken> token_from(Result<http::Response> answer, const std::string& who, UtcTime now);
/// The same for an answer that is parsed already.
Result<AccessToken> token_from(wire::TokenAnswer answer, const std::string& who, UtcTime now);

/// When to renew a token without advice from its endpoint: at half its life. What remains is the
/// time that an outage of the endpoint may last before anybody notices. An endpoint that keeps
/// giving the token which it has cached is asked again at half of what remains, and so on.
UtcTime token_refresh_time(UtcTime now, UtcTime expires_on);

}  // namespace latchkey::azure
