#include "codes/number_api.hpp"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "base/text.hpp"

namespace latchkey::codes {
namespace {

constexpr std::size_t kBodyBytesMax = 64 * 1024;
constexpr std::size_t kJsonDepthMax = 8;
constexpr std::int64_t kNumberMax = 9'999'999'999'999;
constexpr std::int64_t kRetryAfterSecondsMax = 3600;

ErrorKind kind_of_status(int status) {
  switch (status) {
    case 401:
    case 403:
      return ErrorKind::denied;
    case 404:
      return ErrorKind::not_found;
    case 408:
    case 504:
      return ErrorKind::timeout;
    case 429:
      return ErrorKind::throttled;
    default:
      return status >= 500 ? ErrorKind::unavailable : ErrorKind::protocol;
  }
}

std::string_view remedy_of_status(int status) {
  if (status == 401 || status == 403) return "; check the function key that the vault holds";
  if (status == 404) return "; check THIRD_PARTY_API_ENDPOINT";
  return "";
}

std::optional<std::chrono::milliseconds> retry_after_of(const http::Response& response) {
  const auto value = response.headers.find("Retry-After");
  if (!value) return std::nullopt;
  const auto seconds = parse_integer<std::int64_t>(trim(*value));
  if (!seconds || *seconds < 0 || *seconds > kRetryAfterSecondsMax) return std::nullopt;
  return std::chrono::seconds{*seconds};
}

bool is_refusal(const http::Response& response) {
  return response.status == 401 || response.status == 403;
}

tl::unexpected<Error> status_failure(const http::Response& response, const std::string& who) {
  return fail(Error{.kind = kind_of_status(response.status),
                    .code = "NumberApiStatus",
                    .message = fmt::format("{} answered {}{}", who, response.status,
                                           remedy_of_status(response.status)),
                    .retry_after = retry_after_of(response),
                    .request_id = {},
                    .http_status = response.status});
}

tl::unexpected<Error> key_failure(Error cause) {
  cause.code = "NumberApiKey";
  cause.message = "the key of the number API cannot be read: " + cause.message;
  cause.http_status = 0;  // The vault's status, not the number API's.
  return fail(std::move(cause));
}

tl::unexpected<Error> transport_failure(Error cause, const std::string& who) {
  cause.code = "NumberApiUnreachable";
  cause.message = fmt::format("{} cannot be reached: {}", who, cause.message);
  cause.http_status = 0;
  return fail(std::move(cause));
}

}  // namespace

NumberApi::NumberApi(http::Url endpoint, azure::CachedSecret& key, http::HttpClient& http,
                     std::chrono::milliseconds timeout)
    : endpoint_(std::move(endpoint)), key_(key), http_(http), timeout_(timeout) {}

Task<Result<std::int64_t>> NumberApi::get_number(Trace trace) {
  auto key = co_await key_.get(trace);
  if (!key) co_return key_failure(std::move(key.error()));
  auto response = co_await call(*key, trace);
  if (response && is_refusal(*response)) {
    // The key may have been rotated: the vault knows. The same key again would be refused again.
    auto newer = co_await key_.get_after_refusal(*key, trace);
    if (newer && !(*newer == *key)) response = co_await call(std::move(*newer), trace);
  }
  if (!response) co_return transport_failure(std::move(response.error()), who());
  if (response->status != 200) co_return status_failure(*response, who());
  const auto number = parse_number_answer(response->body);
  if (!number) {
    co_return fail(ErrorKind::protocol, "NumberApiAnswer",
                   fmt::format("{} answered no {{\"value\": number}}", who()));
  }
  co_return *number;
}

Task<Result<http::Response>> NumberApi::call(Secret key, Trace trace) {
  http::ClientRequest request;
  request.method = http::Method::get;
  request.url = endpoint_;
  request.headers.add("Content-Type", "application/json");
  request.headers.add("Accept", "application/json");
  request.headers.add("x-functions-key", key.reveal());
  request.timeout = timeout_;
  request.trace = trace;
  auto response = co_await http_.send(std::move(request));
  co_return response;
}

std::string NumberApi::who() const {
  return fmt::format("the number API at {}{}", endpoint_.origin(), endpoint_.path);
}

std::optional<std::int64_t> parse_number_answer(std::string_view body) {
  if (body.size() > kBodyBytesMax) return std::nullopt;
  boost::json::parse_options options;
  options.max_depth = kJsonDepthMax;
  boost::json::error_code error;
  const auto answer = boost::json::parse(body, error, {}, options);
  if (error || !answer.is_object()) return std::nullopt;
  const auto* value = answer.get_object().if_contains("value");
  if (value == nullptr) return std::nullopt;
  std::optional<std::int64_t> number;
  if (value->is_int64()) number = value->get_int64();
  if (value->is_string()) number = parse_integer<std::int64_t>(std::string(value->get_string()));
  if (!number || *number < 0 || *number > kNumberMax) return std::nullopt;
  return number;
}

}  // namespace latchkey::codes
