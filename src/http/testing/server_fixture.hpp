#pragma once

#include <gtest/gtest.h>

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>

#include "base/testing/manual_clock.hpp"
#include "http/server.hpp"
#include "http/testing/raw_client.hpp"

namespace latchkey::http::testing {

/// A server on a free port with a clock that stands still, and what its tests need around it.
class ServerFixture : public ::testing::Test {
 protected:
  ServerFixture() : gate(io.get_executor(), std::chrono::steady_clock::time_point::max()) {
    options.name = "test";
    options.addresses = {"127.0.0.1"};
  }
  ~ServerFixture() override;

  void start(Handler handler);
  /// Starts with a handler that says what it was asked. "/wait" is answered after `open_gate` or
  /// when cancelled, "/cancellable" ends by an exception then, "/throw" throws, "/chunked" answers
  /// in chunks and "/big" with many bytes.
  void start();
  RawClient connect() { return RawClient(io, server->port()); }
  /// One request on a connection of its own, up to its end.
  std::string ask(std::string_view bytes);
  void open_gate() { gate.cancel(); }
  bool run_until(const std::function<bool()>& done) { return testing::run_until(io, done); }
  /// Moves the clock on in steps, as sweeps would see it.
  void pass(std::chrono::seconds time);

  using Gate = boost::asio::basic_waitable_timer<
      std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

  IoContext io{1};
  latchkey::testing::ManualClock clock;
  ServerOptions options;
  Gate gate;
  int handlers_entered = 0;
  int handlers_unwound = 0;
  std::unique_ptr<Server> server;

 private:
  Task<Response> echo(const Request& request);
};

}  // namespace latchkey::http::testing
