#include "azure/token_fetch.hpp"

#include <algorithm>
#include <utility>

namespace latchkey::azure {
namespace {

/// 404 and 410: no such endpoint here, or not yet. 408 and 429: try later.
bool is_refusal(int status) {
  return status >= 400 && status < 500 && status != 404 && status != 408 && status != 410 &&
         status != 429;
}

Error as_credential_error(Error error) {
  const bool refused = is_refusal(error.http_status);
  error.kind = refused ? ErrorKind::denied : ErrorKind::unavailable;
  return error;
}

/// RFC 6750 section 2.1 allows less; what matters is that no header can be split.
bool fits_in_header(std::string_view token) {
  return !token.empty() &&
         std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

}  // namespace

Result<AccessToken> token_from(Result<http::Response> answer, const std::string& who, UtcTime now) {
  if (!answer) {
    Error error = std::move(answer.error());
    error.message = who + " gave no answer: " + error.message;
    return fail(as_credential_error(std::move(error)));
  }
  if (answer->status != 200) {
    return fail(as_credential_error(wire::token_error_from(*answer, who)));
  }
  if (answer->body.size() > kTokenAnswerBytesMax) {
    return fail(ErrorKind::unavailable, "InvalidTokenAnswer",
                who + " answered more than a token answer can have");
  }
  Result<wire::TokenAnswer> parsed = wire::parse_token(answer->body, now);
  if (!parsed) {
    Error error = std::move(parsed.error());
    error.message = who + " answered something that is no token: " + error.message;
    return fail(as_credential_error(std::move(error)));
  }
  return token_from(std::move(*parsed), who, now);
}

Result<AccessToken> token_from(wire::TokenAnswer answer, const std::string& who, UtcTime now) {
  if (!fits_in_header(answer.access_token.reveal())) {
    return fail(ErrorKind::unavailable, "MalformedToken",
                who + " gave a token that is empty or holds blanks or control characters");
  }
  if (answer.expires_on <= now) {
    return fail(ErrorKind::unavailable, "TokenExpired",
                who +
                    " gave a token that has expired already; compare this machine's clock with "
                    "the endpoint's");
  }
  AccessToken token;
  token.expires_on = answer.expires_on;
  const bool advised = answer.refresh_on > UtcTime{} && answer.refresh_on < answer.expires_on;
  token.refresh_on = advised ? answer.refresh_on : token_refresh_time(now, answer.expires_on);
  token.value = std::move(answer.access_token);
  return token;
}

UtcTime token_refresh_time(UtcTime now, UtcTime expires_on) {
  return now + (expires_on - now) / 2;
}

}  // namespace latchkey::azure
