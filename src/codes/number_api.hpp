#pragma once

#include <cstdint>
#include <string>

#include "azure/key_vault_client.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "http/client.hpp"

namespace latchkey::codes {

/// The third party's number: GET endpoint with x-functions-key and Content-Type: application/json,
/// answer {"value": 161}. A refusal (401, 403) makes the key be read again from the vault once, so
/// that a rotated key costs no restart.
///
/// Errors: an answer other than 200 keeps its http_status; not reachable: kind unavailable or
/// timeout, http_status 0; an answer that is no such JSON: kind protocol.
class NumberApi {
 public:
  NumberApi(http::Url endpoint, azure::CachedSecret& key, http::HttpClient& http,
            std::chrono::milliseconds timeout = std::chrono::seconds{5});
  Task<Result<std::int64_t>> get_number();

 private:
  Task<Result<http::Response>> call(Secret key);
  http::Url endpoint_;
  azure::CachedSecret& key_;
  http::HttpClient& http_;
  std::chrono::milliseconds timeout_;
};

}  // namespace latchkey::codes
