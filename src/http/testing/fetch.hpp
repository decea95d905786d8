#pragma once

#include <string_view>

#include "http/client.hpp"

/// Requests in one line, for tests.
namespace latchkey::http::testing {

inline ClientRequest get(std::string_view url) {
  ClientRequest request;
  request.url = *parse_url(url);
  return request;
}

inline ClientRequest post(std::string_view url, std::string body) {
  ClientRequest request = get(url);
  request.method = Method::post;
  request.body = std::move(body);
  return request;
}

/// Sends and leaves the outcome in `answer`. All must outlive the task.
inline Task<> fetch_into(HttpClient& client, ClientRequest request, Result<Response>& answer) {
  answer = co_await client.send(std::move(request));
}

/// Sends and runs `context` until the outcome is there.
inline Result<Response> fetch(IoContext& context, HttpClient& client, ClientRequest request) {
  Result<Response> answer = fail(Error{});
  run_to_end(context, fetch_into(client, std::move(request), answer));
  return answer;
}

}  // namespace latchkey::http::testing
