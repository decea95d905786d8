#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "http/client.hpp"
#include "http/router.hpp"

namespace latchkey::http::testing {

/// The world's edge for unit tests: answers by a function and records what was asked.
class FakeHttpClient final : public HttpClient {
 public:
  using Answer = std::function<Result<Response>(const ClientRequest&)>;

  /// Answers every call that no queued answer is there for. Without it such a call fails.
  void answer_with(Answer answer) { answer_ = std::move(answer); }
  /// Answers the next call, then the one after it, ...
  void queue(Result<Response> response) { queued_.push_back(std::move(response)); }

  Task<Result<Response>> send(ClientRequest request) override;

  std::vector<ClientRequest> calls;

 private:
  Answer answer_;
  std::deque<Result<Response>> queued_;
};

/// Joins a client to a server's handler without sockets: requests by host (and port) go to a
/// Handler.
class InProcessClient final : public HttpClient {
 public:
  /// `authority` as Url::authority() gives it; "*" takes all that is not named.
  void serve(std::string authority, Handler handler);
  Task<Result<Response>> send(ClientRequest request) override;

 private:
  std::vector<std::pair<std::string, Handler>> handlers_;
};

}  // namespace latchkey::http::testing
