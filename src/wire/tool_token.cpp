#include "wire/tool_token.hpp"

#include <string>

#include "base/time_text.hpp"
#include "wire/json_reader.hpp"

namespace latchkey::wire {
namespace {

tl::unexpected<Error> unusable(std::string_view why) {
  return fail(ErrorKind::protocol, "InvalidTokenAnswer",
              "what it printed cannot be used: " + std::string(why));
}

Result<TokenAnswer> answer(std::string_view token, std::optional<UtcTime> expires_on) {
  if (token.empty()) return unusable("the token is missing");
  if (!expires_on) return unusable("the time of expiry is missing or unreadable");
  TokenAnswer made;
  made.access_token = Secret(std::string(token));
  made.expires_on = *expires_on;
  return made;
}

std::optional<UtcTime> epoch_time(const json::Object& object, std::string_view name) {
  const json::Value* value = json::find(object, name);
  if (value == nullptr) return std::nullopt;
  const auto seconds = json::whole_number(*value);
  if (!seconds || *seconds < 0 || *seconds > json::kEpochSecondsMax) return std::nullopt;
  return from_epoch_seconds(*seconds);
}

}  // namespace

Result<TokenAnswer> parse_az_token(std::string_view text) {
  const auto object = json::parse_object(text);
  if (!object) return unusable("it is not a JSON object");
  auto expires_on = epoch_time(*object, "expires_on");
  if (!expires_on) expires_on = from_python_utc(json::text(*object, "expiresOn").value_or(""));
  return answer(json::text(*object, "accessToken").value_or(""), expires_on);
}

Result<TokenAnswer> parse_azd_token(std::string_view text) {
  const auto object = json::parse_object(text);
  if (!object) return unusable("it is not a JSON object");
  return answer(json::text(*object, "token").value_or(""),
                from_iso8601(json::text(*object, "expiresOn").value_or("")));
}

}  // namespace latchkey::wire
