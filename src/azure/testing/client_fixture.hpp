#pragma once

#include <gtest/gtest.h>

#include <string>

#include "azure/testing/stepper.hpp"
#include "base/testing/manual_clock.hpp"
#include "base/testing/seeded_random.hpp"
#include "http/testing/fake_http_client.hpp"

namespace latchkey::azure::testing {

inline http::Response answer(int status, std::string body = {}, http::Headers headers = {}) {
  http::Response response;
  response.status = status;
  response.body = std::move(body);
  response.headers = std::move(headers);
  return response;
}

/// What tests of clients have in common: a world that answers as told, and a clock that they move.
struct ClientFixture : ::testing::Test {
  template <class T>
  T run(Task<T> task) {
    return run_through(context, clock, std::move(task));
  }
  const http::ClientRequest& call(std::size_t index = 0) const { return http.calls.at(index); }
  /// Of a call; "none" where it has no such header.
  std::string header(std::string_view name, std::size_t index = 0) const {
    return std::string(call(index).headers.find(name).value_or("none"));
  }

  IoContext context;
  latchkey::testing::ManualClock clock;
  latchkey::testing::SeededRandom random{1};
  http::testing::FakeHttpClient http;
};

}  // namespace latchkey::azure::testing
