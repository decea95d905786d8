#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "azure/key_vault_client.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "http/client.hpp"

namespace latchkey::codes {

/// The third party's number: GET endpoint with x-functions-key and Content-Type: application/json,
/// answer {"value": 161}. A refusal (401, 403) makes the key be read again from the vault once, so
/// that a rotated key costs no restart.
///
/// Errors, by code, all others than the first with http_status 0:
///   NumberApiStatus       an answer other than 200: keeps its http_status and Retry-After; kind by
///                         status
///   NumberApiUnreachable  no answer: kind unavailable, timeout or protocol
///   NumberApiAnswer       an answer that is no such JSON: kind protocol
///   NumberApiKey          the vault does not give the key: kind as the vault's error
/// Messages name the endpoint without its query, which may hold a key of its own.
class NumberApi {
 public:
  NumberApi(http::Url endpoint, azure::CachedSecret& key, http::HttpClient& http,
            std::chrono::milliseconds timeout = std::chrono::seconds{5});
  /// 0 to 9'999'999'999'999.
  Task<Result<std::int64_t>> get_number(Trace trace = {});

 private:
  Task<Result<http::Response>> call(Secret key, Trace trace);
  std::string who() const;
  http::Url endpoint_;
  azure::CachedSecret& key_;
  http::HttpClient& http_;
  std::chrono::milliseconds timeout_;
};

/// The number in an answer's body: {"value": 161}, where the value is a whole number or a text that
/// holds one. Nullopt for all else, other members are ignored.
std::optional<std::int64_t> parse_number_answer(std::string_view body);

}  // namespace latchkey::codes
