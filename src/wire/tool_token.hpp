#pragma once

#include <string_view>

#include "base/result.hpp"
#include "wire/token_json.hpp"

/// Tokens as the developer tools print them.
namespace latchkey::wire {

/// `az account get-access-token --output json`: accessToken, and expires_on (epoch seconds, since
/// 2.54) or else expiresOn, which is local time: the tool has to run with TZ=UTC.
/// Error: protocol, code InvalidTokenAnswer, naming the member.
Result<TokenAnswer> parse_az_token(std::string_view json);

/// `azd auth token --output json`: token, and expiresOn in ISO 8601. Error: as above.
Result<TokenAnswer> parse_azd_token(std::string_view json);

}  // namespace latchkey::wire
