#include "wire/token_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "wire/answer_error.hpp"
#include "wire/json_reader.hpp"

namespace latchkey::wire {
namespace {

/// Ten years: no lifetime is longer, and sums stay far from overflow.
constexpr std::int64_t kLifetimeSecondsMax = 10LL * 366 * 24 * 3600;

tl::unexpected<Error> bad_answer(std::string_view why) {
  return fail(ErrorKind::protocol, "InvalidTokenAnswer",
              "the token endpoint's answer cannot be used: " + std::string(why));
}

/// Visible ASCII, so that it can stand in an Authorization header and bring no line with it.
bool is_token_text(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

/// A number, or a number written as text.
std::optional<std::int64_t> number_in(const json::Value& value) {
  if (value.is_string()) return parse_integer<std::int64_t>(trim(value.get_string()));
  return json::whole_number(value);
}

std::optional<UtcTime> point_in_time(const json::Value& value) {
  if (const auto seconds = number_in(value)) {
    if (*seconds < 0 || *seconds > json::kEpochSecondsMax) return std::nullopt;
    return from_epoch_seconds(*seconds);
  }
  if (!value.is_string()) return std::nullopt;
  const auto text = trim(value.get_string());
  if (const auto time = from_iso8601(text)) return time;
  return from_rfc1123(text);
}

std::optional<UtcTime> later_by(const json::Value& value, UtcTime now) {
  const auto seconds = number_in(value);
  if (!seconds || *seconds < 0 || *seconds > kLifetimeSecondsMax) return std::nullopt;
  return now + std::chrono::seconds{*seconds};
}

std::int64_t seconds_until(UtcTime when, UtcTime now) {
  return std::max<std::int64_t>(0, to_epoch_seconds(when) - to_epoch_seconds(now));
}

bool is_refusal(std::string_view error) {
  static constexpr std::array<std::string_view, 4> kRefusals = {
      "invalid_client", "unauthorized_client", "invalid_grant", "access_denied"};
  return std::find(kRefusals.begin(), kRefusals.end(), error) != kRefusals.end();
}

}  // namespace

std::string render_managed_identity_token(const TokenAnswer& answer, std::string_view resource,
                                          std::string_view client_id, UtcTime now) {
  json::Object object;
  object["access_token"] = answer.access_token.reveal();
  object["client_id"] = client_id;
  object["expires_in"] = std::to_string(seconds_until(answer.expires_on, now));
  object["expires_on"] = std::to_string(to_epoch_seconds(answer.expires_on));
  object["not_before"] = std::to_string(to_epoch_seconds(now));
  object["resource"] = resource;
  object["token_type"] = "Bearer";
  // A number even here: the C++ SDK takes refresh_in as a number only.
  if (answer.refresh_on != UtcTime{}) object["refresh_in"] = seconds_until(answer.refresh_on, now);
  return boost::json::serialize(object);
}

std::string render_oauth_token(const TokenAnswer& answer, UtcTime now) {
  json::Object object;
  object["token_type"] = "Bearer";
  object["expires_in"] = seconds_until(answer.expires_on, now);
  object["ext_expires_in"] = seconds_until(answer.expires_on, now);
  if (answer.refresh_on != UtcTime{}) object["refresh_in"] = seconds_until(answer.refresh_on, now);
  object["access_token"] = answer.access_token.reveal();
  return boost::json::serialize(object);
}

Result<TokenAnswer> parse_token(std::string_view text, UtcTime now) {
  const auto object = json::parse_object(text);
  if (!object) return bad_answer("it is not a JSON object");
  const auto token = json::text(*object, "access_token");
  if (!token || !is_token_text(*token)) return bad_answer("access_token is missing or malformed");

  TokenAnswer answer;
  answer.access_token = Secret(std::string(*token));
  if (const json::Value* expires_in = json::find(*object, "expires_in")) {
    const auto time = later_by(*expires_in, now);
    if (!time) return bad_answer("expires_in is not a number of seconds");
    answer.expires_on = *time;
  } else if (const json::Value* expires_on = json::find(*object, "expires_on")) {
    const auto time = point_in_time(*expires_on);
    if (!time) return bad_answer("expires_on is not a time");
    answer.expires_on = *time;
  } else {
    return bad_answer("neither expires_in nor expires_on is there");
  }
  // Advice only: what cannot be read is no reason to do without the token.
  if (const json::Value* refresh_in = json::find(*object, "refresh_in")) {
    answer.refresh_on = later_by(*refresh_in, now).value_or(UtcTime{});
  }
  return answer;
}

std::string render_oauth_error(std::string_view error, std::string_view description,
                               int aadsts_code, std::string_view trace_id, UtcTime now) {
  const std::string timestamp = to_python_utc(now).substr(0, 19) + "Z";
  json::Object object;
  object["error"] = error;
  object["error_description"] =
      fmt::format("AADSTS{}: {} Trace ID: {} Correlation ID: {} Timestamp: {}", aadsts_code,
                  description, trace_id, trace_id, timestamp);
  object["error_codes"] = boost::json::array{aadsts_code};
  object["timestamp"] = timestamp;
  object["trace_id"] = trace_id;
  object["correlation_id"] = trace_id;
  return boost::json::serialize(object);
}

std::string render_app_service_error(int status, std::string_view message) {
  json::Object object;
  object["statusCode"] = status;
  object["message"] = message;
  return boost::json::serialize(object);
}

std::string render_imds_error(std::string_view error, std::string_view description) {
  json::Object object;
  object["error"] = error;
  object["error_description"] = description;
  return boost::json::serialize(object);
}

Error token_error_from(const http::Response& response, std::string_view who) {
  std::string code;
  std::string message;
  if (const auto object = json::parse_object(response.body)) {
    code = first_line(json::text(*object, "error").value_or(""), 100);
    message = first_line(json::text(*object, "error_description")
                             .value_or(json::text(*object, "message").value_or("")));
    if (const json::Object* nested = json::child(*object, "error")) {
      code = first_line(json::text(*nested, "code").value_or(""), 100);
      message = first_line(json::text(*nested, "message").value_or(""));
    }
  }
  if (message.empty() && !code.empty()) message = code;
  const bool refused = is_refusal(code);
  if (code.empty()) code = "TokenRequestFailed";
  Error error = answer_error(response, who, std::move(code), message);
  if (refused) error.kind = ErrorKind::denied;
  if (response.status == 410) error.kind = ErrorKind::unavailable;
  return error;
}

}  // namespace latchkey::wire
