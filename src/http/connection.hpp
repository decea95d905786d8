#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/task.hpp"
#include "http/request_parser.hpp"
#include "http/response_writer.hpp"
#include "http/server.hpp"
#include "http/tunnel.hpp"

/// One connection of a server, from its first byte to its last. Private to this room.
///
/// No timer runs per operation: a connection notes what it is at and since when, and the server's
/// sweep asks each one about once a second whether that takes too long.
namespace latchkey::http {

using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;

/// The sweep's rhythm, and so how late a deadline may be noticed.
inline constexpr std::chrono::seconds kSweepInterval{1};

/// What all connections of one server share.
struct ServerState {
  ServerOptions options;
  Handler handler;
  Clock& clock;
  SteadyTime now;  ///< as of the last sweep: reading the clock for each request would cost
  DateLine date;
  bool draining = false;
};

/// Bytes received and not used yet, in memory that serves request after request.
class InputBuffer {
 public:
  std::string_view unread() const { return {bytes_.data() + begin_, end_ - begin_}; }
  /// Drops all but the last `size` unread bytes.
  void keep(std::size_t size);
  /// Room for more, never empty; grows when a read has filled it or what is unread fills it.
  std::span<char> prepare();
  void commit(std::size_t size);

 private:
  std::vector<char> bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool was_filled_ = false;
};

class Connection {
 public:
  /// `turned_away`: there are too many connections; every request is answered with 503.
  Connection(Socket socket, ServerState& server, bool turned_away);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Serves the connection to its end. To be started with `slot()` bound.
  Task<> run();
  boost::asio::cancellation_slot slot() { return signal_.slot(); }
  bool turned_away() const { return turned_away_; }

  void enforce_deadline();
  /// Closes the connection if it is between requests.
  void close_if_idle();
  /// Cancels the handler and closes the socket, whatever goes on.
  void abort();

 private:
  enum class Phase : std::uint8_t { idle, receiving, handling, sending, closing };
  enum class Ending : std::uint8_t {
    gone,    ///< the other side has left, or there is nothing to say to it
    done,    ///< the other side asked for the end behind an answer, and has it
    parted,  ///< we end it; the other side may still be sending
    tunnel   ///< what follows is inside a CONNECT
  };

  void enter(Phase phase);
  void close();
  Task<bool> begins_with_tls();
  Task<> run_plain();
  Task<> run_tls(TlsServerContext tls);
  Task<> run_tunnel();
  Task<> linger();

  template <class Stream>
  Task<Ending> serve(Stream& stream);
  const Handler& handler() const { return tunnel_ ? tunnel_->handler : server_.handler; }
  /// Takes the tunnel out of an answer to CONNECT and prepares what the client is told.
  bool opens_tunnel(Response& response);
  std::span<char> wait_for_input();
  bool take_input(bool failed, std::size_t size);
  /// The handler is not to be asked; what to answer instead.
  bool is_refused_here() const { return turned_away_ || needs_tls(); }
  bool needs_tls() const;
  Response refusal_here() const;
  Response checked(Response response, const std::exception_ptr& problem) const;

  /// Renders `response` into output_; false when the connection has to end behind it.
  bool prepare(const Response& response, bool keep_alive);
  bool send_at_once(Socket& socket);
  template <class Stream>
  bool send_at_once(Stream& stream);
  template <class Stream>
  Task<bool> send_rest(Stream& stream);

  Socket socket_;
  ServerState& server_;
  RequestParser parser_;
  InputBuffer input_;
  std::string output_;
  std::size_t output_sent_ = 0;
  std::shared_ptr<const Tunnel> tunnel_;  ///< set once a CONNECT has been answered
  boost::asio::cancellation_signal signal_;
  SteadyTime since_;
  Phase phase_ = Phase::idle;
  bool timed_out_ = false;
  bool over_tls_ = false;
  const bool turned_away_;
};

}  // namespace latchkey::http
