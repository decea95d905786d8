#pragma once

#include <openssl/ssl.h>

#include <boost/asio/ssl/stream.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "http/client.hpp"
#include "http/connector.hpp"
#include "http/proxy_rules.hpp"
#include "http/response_parser.hpp"
#include "http/tls_impl.hpp"

/// One connection of the client: set up, used for one request after the other, and closed.
namespace latchkey::http {

struct SessionDeleter {
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
/// A TLS session to resume: saves the server's signature and two thirds of the handshake.
using TlsSession = std::unique_ptr<SSL_SESSION, SessionDeleter>;

/// Where a connection goes; owned by the pool, outlives the connection.
struct Destination {
  std::string scheme;
  std::string host;
  std::uint16_t port = 0;
  std::string authority;         ///< what Host says
  std::string shown;             ///< "host:port", for messages and CONNECT
  const Proxy* proxy = nullptr;  ///< nullptr: direct
  TlsSession session;

  bool is_https() const { return scheme == "https"; }
  /// In clear text through a proxy the request's target is absolute.
  const Proxy* absolute_form_proxy() const { return is_https() ? nullptr : proxy; }
};

class ClientConnection : public std::enable_shared_from_this<ClientConnection> {
 public:
  ClientConnection(Executor executor, TlsClientContext tls, Destination& destination,
                   ResponseParser::Limits limits);
  ~ClientConnection();

  /// Resolves, connects, and as needed asks the proxy for a tunnel and shakes hands.
  Task<Result<>> open();
  /// Sends `request`, which must outlive the call, and receives the answer. After an error the
  /// request is as it was; after an answer its body may be gone.
  Task<Result<Response>> exchange(ClientRequest& request);

  /// Whether the last exchange saw any byte of an answer.
  bool answer_begun() const { return answer_begun_; }
  /// Whether another request may follow: the last one ended cleanly and nothing is left over.
  bool is_reusable() const { return reusable_ && !aborted_; }
  /// For a connection that lies idle: neither bytes nor an end have come. Costs a system call.
  bool is_quiet();
  /// Ends whatever runs with an error, at once. What open() and exchange() then say is not the
  /// cause: the caller knows it. Also the way to close.
  void abort();

  SteadyTime idle_since{};

 private:
  using TlsStream = boost::asio::ssl::stream<Socket&>;

  Task<Result<>> open_tunnel();
  Task<Result<>> shake_hands();
  Task<boost::system::error_code> send_rest(std::size_t sent);
  Task<Result<>> receive(std::string_view peer);
  /// Sends what of `out_` the socket takes at once, without a way through the reactor.
  std::size_t send_at_once(boost::system::error_code& error);
  void send_beside_receiving(std::shared_ptr<const std::string> body, std::string_view end);
  Result<> parse_received(std::string_view peer);
  Result<> stream_ended(const boost::system::error_code& error, std::string_view peer);
  /// Told from outside to end, as opposed to abort(): unwinds.
  void rethrow_cancellation(const boost::system::error_code& error) const;
  void keep_session();
  bool tls_has_more();

  TlsClientContext tls_context_;
  Destination& destination_;
  Socket socket_;
  Connector connector_;
  std::unique_ptr<TlsStream> tls_;
  ResponseParser parser_;
  std::string out_;       ///< the request as sent, its body too when that is small
  std::vector<char> in_;  ///< received; the first `in_size_` bytes are not parsed yet
  std::size_t in_size_ = 0;
  bool answer_begun_ = false;
  bool reusable_ = false;
  bool sending_ = false;  ///< a write runs beside the reading
  bool send_failed_ = false;
  bool session_kept_ = false;
  bool aborted_ = false;
};

}  // namespace latchkey::http
