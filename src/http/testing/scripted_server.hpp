#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/task.hpp"
#include "http/tls.hpp"

/// A server that does to each connection exactly what its script says, right or wrong HTTP: for
/// tests of what clients do with closed connections, halves of answers and silence.
namespace latchkey::http::testing {

/// Reads one request, with its body, and records it as it came.
struct ReadRequest {};
/// Reads as far as the end of a request's header, and leaves the body.
struct ReadHead {};
struct Send {
  std::string bytes;
};
/// From here on the connection speaks TLS.
struct StartTls {
  TlsServerContext context;
};
/// Ends TLS as one should, with close_notify.
struct EndTls {};
/// Waits until the test calls release().
struct Hold {};
struct Close {};
/// Closes with RST instead of FIN.
struct Reset {};
/// After its last step a connection stays open and silent.
using Step = std::variant<ReadRequest, ReadHead, Send, StartTls, EndTls, Hold, Close, Reset>;
using Script = std::vector<Step>;

/// "HTTP/1.1 200 OK" with `body` and its length.
Send ok(std::string_view body);

class ScriptedServer {
 public:
  /// The first connection follows the first script, and so on; further ones the last script.
  ScriptedServer(Executor executor, std::vector<Script> scripts,
                 const std::string& address = "127.0.0.1");
  /// Closes everything.
  ~ScriptedServer();

  std::uint16_t port() const;
  /// "http://127.0.0.1:PORT/x" for "/x".
  std::string url(std::string_view target, std::string_view scheme = "http",
                  std::string_view host = "127.0.0.1") const;
  /// How many connections have come.
  std::size_t connections() const;
  /// How many of them the client closed while the script wanted to go on.
  std::size_t connections_left() const;
  /// The requests in the order in which they were read, over all connections.
  const std::vector<std::string>& requests() const;
  /// Waits until that many requests have been read.
  Task<> requests_read(std::size_t count);
  /// Lets one connection that stands at Hold go on, or the next that comes there.
  void release();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace latchkey::http::testing
