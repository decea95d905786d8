#include "http/testing/fake_http_client.hpp"

namespace latchkey::http::testing {

Task<Result<Response>> FakeHttpClient::send(ClientRequest request) {
  calls.push_back(request);
  if (!queued_.empty()) {
    Result<Response> response = std::move(queued_.front());
    queued_.pop_front();
    co_return response;
  }
  if (answer_) co_return answer_(request);
  co_return fail(ErrorKind::unavailable, "NoAnswerPrepared",
                 "the test prepared no answer for " + request.url.to_string());
}

void InProcessClient::serve(std::string authority, Handler handler) {
  handlers_.emplace_back(std::move(authority), std::move(handler));
}

Task<Result<Response>> InProcessClient::send(ClientRequest request) {
  const Handler* found = nullptr;
  for (const auto& [authority, handler] : handlers_) {
    if (authority == request.url.authority() || (authority == "*" && found == nullptr)) {
      found = &handler;
    }
  }
  if (found == nullptr) {
    co_return fail(ErrorKind::unavailable, "ConnectionRefused",
                   "nobody serves " + request.url.authority());
  }
  Request received;
  received.method = request.method;
  received.method_name = std::string(to_string(request.method));
  received.target = request.url.target();
  received.headers = request.headers;
  received.headers.set("Host", request.url.authority());
  const bool sends_body = request.method == Method::put || request.method == Method::post;
  if (!request.body.empty() || sends_body) {
    received.headers.set("Content-Length", std::to_string(request.body.size()));
  }
  received.body = std::move(request.body);
  received.over_tls = request.url.is_https();
  received.peer_address = "127.0.0.1";
  co_return co_await (*found)(received);
}

}  // namespace latchkey::http::testing
