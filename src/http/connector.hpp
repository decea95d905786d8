#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/task.hpp"

/// From a name to a connected socket. Private to this room.
namespace latchkey::http {

using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;
using Endpoint = boost::asio::ip::tcp::endpoint;
using Timer = boost::asio::basic_waitable_timer<
    std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

/// True for "127.0.0.1" and "::1": nothing to resolve, and TLS names them in another way.
bool is_ip_address(const std::string& host);

class Connector {
 public:
  explicit Connector(Socket& socket) : socket_(socket) {}

  /// Connects to the first address of `host` that takes it, in the resolver's order. "localhost"
  /// and names below it are 127.0.0.1 and then ::1 without asking anybody (RFC 6761 section 6.3).
  /// After abort(), and when cancelled from outside, it ends with operation_aborted.
  Task<boost::system::error_code> connect(const std::string& host, std::uint16_t port);
  void abort();

 private:
  struct Lookup;
  Task<boost::system::error_code> resolve(const std::string& host, std::uint16_t port);

  Socket& socket_;
  std::vector<Endpoint> endpoints_;
  std::shared_ptr<Lookup> lookup_;
  bool aborted_ = false;
};

}  // namespace latchkey::http
