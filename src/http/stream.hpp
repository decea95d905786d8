#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/task.hpp"
#include "http/tls.hpp"

/// The bytes of one connection to a server, in clear text or TLS: for protocols that are not HTTP.
namespace latchkey::http {

struct StreamPeer {
  std::string host;
  std::uint16_t port = 0;
  bool tls = true;
  /// "host:port", for messages.
  std::string shown() const;
};

/// Closed when the last copy goes. One thread; one read and one write may run beside each other.
///
/// Errors, as HttpClient's: unavailable (refused, reset, a certificate that is not trusted; `code`
/// says which), timeout. After one the stream is of no more use.
class ByteStream {
 public:
  ByteStream(Executor executor, TlsClientContext trust, StreamPeer peer);

  /// Resolves, connects and shakes hands.
  Task<Result<>> open();
  Task<Result<>> write(std::string bytes);
  /// The bytes that have come, at least one; they stay until the next read.
  Task<Result<std::string_view>> read();

  /// So much later whatever runs ends with kind timeout, and the stream is closed; until then, or
  /// until it is set anew.
  void set_deadline(std::chrono::milliseconds from_now);
  void no_deadline();
  /// For a stream on which nothing runs: neither bytes nor an end have come. Costs a system call.
  bool is_quiet();
  /// Whatever runs ends with an error, at once.
  void close();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace latchkey::http
