#pragma once

#include <string>

#include "azure/credential.hpp"
#include "http/message.hpp"

/// What all token endpoints have in common: from an answer, or none, to a token or an error whose
/// kind is denied (the endpoint said no) or unavailable (anything else).
namespace latchkey::azure {

/// `who` names the endpoint in messages. Refused besides errors: tokens that have expired already,
/// and tokens with characters that cannot stand in a header. Where the endpoint gives no
/// refresh_in, refresh_on follows from the lifetime (see token_refresh_time).
Result<AccessToken> token_from(Result<http::Response> answer, const std::string& who, UtcTime now);

/// When to renew a token without advice from its endpoint: at half its life when it lives two hours
/// or more, else five minutes before its end (tokens of under ten minutes: at half). What the SDKs
/// for JavaScript, Go and C++ do with managed identities, and JavaScript and Python with others.
UtcTime token_refresh_time(UtcTime now, UtcTime expires_on);

}  // namespace latchkey::azure
