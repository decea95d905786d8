#pragma once

#include <chrono>
#include <utility>

#include "base/clock.hpp"
#include "http/client.hpp"

namespace latchkey::azure::testing {

/// Lets time pass before another client answers.
class SlowHttpClient final : public http::HttpClient {
 public:
  SlowHttpClient(http::HttpClient& behind, Clock& clock, std::chrono::milliseconds delay)
      : behind_(behind), clock_(clock), delay_(delay) {}
  Task<Result<http::Response>> send(http::ClientRequest request) override {
    co_await clock_.sleep_for(delay_);
    co_return co_await behind_.send(std::move(request));
  }

 private:
  http::HttpClient& behind_;
  Clock& clock_;
  std::chrono::milliseconds delay_;
};

}  // namespace latchkey::azure::testing
