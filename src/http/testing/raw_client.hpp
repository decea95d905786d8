#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/task.hpp"

/// A client that sends exactly the bytes it is told, for tests of servers. It runs on the test's
/// own thread: while it waits it lets the context's other work go on.
namespace latchkey::http::testing {

/// Runs `context` until `done` says so; false when that takes more than ten seconds.
bool run_until(IoContext& context, const std::function<bool()>& done);

class RawClient {
 public:
  /// Connects at once. A failure to connect is an exception.
  RawClient(IoContext& context, std::uint16_t port, std::string_view address = "127.0.0.1");
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  /// Sends all of `bytes`, or as much as the server takes before it closes.
  void send(std::string_view bytes);
  /// Tells the server that nothing more will come.
  void finish_sending();
  /// One response, header and body. `to_head`: it has no body whatever it announces. What came
  /// before the connection ended, or in ten seconds, when that is no whole response.
  std::string read_response(bool to_head = false);
  /// All bytes up to the end of the connection.
  std::string read_to_end();
  /// The server has closed, or does so within ten seconds, and says nothing more.
  bool is_closed();
  /// The connection ended by a reset, not in order.
  bool was_reset() const { return was_reset_; }
  /// Nothing is there to read at the moment.
  bool is_silent();

 private:
  bool receive();

  IoContext& context_;
  int socket_ = -1;
  std::string received_;
  bool ended_ = false;
  bool was_reset_ = false;
};

/// The status in a response's first line; 0 when there is none.
int status_of(std::string_view response);
/// What stands behind the header.
std::string body_of(std::string_view response);

}  // namespace latchkey::http::testing
