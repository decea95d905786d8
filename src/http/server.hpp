#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "http/router.hpp"
#include "http/tls.hpp"

namespace latchkey::http {

/// Everything has a limit; passing it gets the status named here and closes the connection where
/// the stream can no longer be trusted.
struct ServerLimits {
  std::size_t header_bytes_max = 32 * 1024;  ///< request line and fields: 431 (line alone: 414)
  std::size_t target_bytes_max = 8 * 1024;   ///< 414
  std::size_t body_bytes_max = 1024 * 1024;  ///< 413
  std::size_t connections_max = 4096;        ///< 503 with Retry-After, then closed
  std::chrono::seconds idle_timeout{75};     ///< between requests: closed without a word
  std::chrono::seconds request_timeout{30};  ///< to receive one whole request: 408
  std::chrono::seconds handler_timeout{60};  ///< to answer: 503
};

struct ServerOptions {
  std::string name;  ///< for logs
  /// Addresses to listen on; the same port on each.
  std::vector<std::string> addresses = {"127.0.0.1", "::1"};
  std::uint16_t port = 0;  ///< 0 takes a free one
  ServerLimits limits;
  /// With TLS the port takes both http and https, told apart by a connection's first byte.
  std::optional<TlsServerContext> tls;
  bool tls_only = false;  ///< plain http gets 400 and a sentence that says so
};

/// An HTTP/1.1 server on one executor (RFC 9112): keep-alive, pipelining, chunked bodies both ways,
/// HEAD, Expect: 100-continue. Refuses what can be read in two ways: Content-Length beside
/// Transfer-Encoding, repeated or malformed Content-Length, bare CR or LF, blanks before a colon,
/// obsolete folding, a missing or double Host. A body on POST, PUT or PATCH without a length is
/// taken as empty when Content-Length is absent, as RFC 9112 section 6.3 has it; routes that need
/// one say 411.
///
/// A handler that takes longer than it may is cancelled (`operation_aborted` out of what it waits
/// for) and answered for; one that does not heed this is answered for when it ends. An exception
/// that leaves the handler is logged and answered with 500. Every answer carries Date.
class Server {
 public:
  /// Binds and starts to accept. An address that this machine lacks is passed over as long as one
  /// of them works. Errors: unavailable (port taken, says which), invalid_argument.
  /// What `handler` refers to and `clock` must outlive the server. All is to be called on the
  /// executor's thread.
  static Result<std::unique_ptr<Server>> listen(Executor executor, ServerOptions options,
                                                Handler handler, Clock& clock);
  /// Stops at once: as `drain` with no grace, but without waiting. What the handlers refer to must
  /// live until the executor has run that out, or runs no more; `drain` first to be sure of it.
  ~Server();

  std::uint16_t port() const;
  std::size_t connections() const;
  /// Stops accepting, lets running requests end with "Connection: close", closes idle connections
  /// at once and the rest after `grace`. Ends when all connections have.
  Task<> drain(std::chrono::milliseconds grace);

 private:
  struct Impl;
  explicit Server(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace latchkey::http
