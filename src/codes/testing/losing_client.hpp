#pragma once

#include <memory>
#include <utility>

#include "http/client.hpp"

namespace latchkey::codes::testing {

/// Loses every `nth` answer, after the other side has done what it was asked; 0 loses none.
class LosingClient final : public http::HttpClient {
 public:
  LosingClient(std::unique_ptr<http::HttpClient> behind, int nth)
      : behind_(std::move(behind)), nth_(nth) {}

  Task<Result<http::Response>> send(http::ClientRequest request) override {
    const bool lost = nth_ > 0 && ++requests_ % nth_ == 0;
    auto answer = co_await behind_->send(std::move(request));
    if (lost) co_return fail(ErrorKind::timeout, "ResponseTimeout", "the answer was lost");
    co_return answer;
  }

 private:
  std::unique_ptr<http::HttpClient> behind_;
  int nth_;
  int requests_ = 0;
};

}  // namespace latchkey::codes::testing
