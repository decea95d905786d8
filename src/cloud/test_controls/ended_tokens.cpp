#include "cloud/test_controls/ended_tokens.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/time_text.hpp"
#include "cloud/request_facts.hpp"
#include "wire/jwt.hpp"

namespace latchkey::cloud {
namespace {

namespace json = boost::json;

constexpr std::int64_t kEndedForSeconds = 3600;

/// In the type that it had: text from the identity services, numbers from OAuth.
void replace_number(json::object& object, std::string_view name, std::int64_t number) {
  auto* value = object.if_contains(name);
  if (value == nullptr) return;
  if (value->is_string()) {
    *value = std::to_string(number);
  } else {
    *value = number;
  }
}

}  // namespace

std::optional<std::string> ended_token(std::string_view token, const SigningKeys& keys,
                                       UtcTime now) {
  auto claims = wire::verify_token(token, [&](std::string_view id) { return keys.find(id); });
  if (!claims) return std::nullopt;
  const auto back = claims->expires_at - to_epoch_seconds(now) + kEndedForSeconds;
  claims->issued_at -= back;
  claims->not_before -= back;
  claims->expires_at -= back;
  return wire::sign_token(*claims, keys.current(), keys.current_id());
}

void end_token_in(http::Response& answer, const SigningKeys& keys, UtcTime now) {
  boost::system::error_code problem;
  auto document = json::parse(answer.body, problem);
  if (problem || !document.is_object()) return;
  auto& object = document.get_object();
  auto* token = object.if_contains("access_token");
  if (token == nullptr || !token->is_string()) return;
  const auto ended = ended_token(std::string_view(token->get_string()), keys, now);
  if (!ended) return;
  *token = *ended;
  const auto end = to_epoch_seconds(now) - kEndedForSeconds;
  replace_number(object, "expires_on", end);
  replace_number(object, "not_before", end - kEndedForSeconds);
  replace_number(object, "expires_in", 0);
  replace_number(object, "ext_expires_in", 0);
  answer.body = json::serialize(document);
}

std::optional<http::Request> with_ended_token(const http::Request& request, const SigningKeys& keys,
                                              UtcTime now) {
  const auto token = bearer_token(request);
  if (!token) return std::nullopt;
  const auto ended = ended_token(*token, keys, now);
  if (!ended) return std::nullopt;
  http::Request changed = request;
  changed.headers.set("Authorization", "Bearer " + *ended);
  return changed;
}

}  // namespace latchkey::cloud
