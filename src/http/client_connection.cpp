#include "http/client_connection.hpp"

#include <openssl/err.h>

#include <array>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>
#include <cstring>

#include "http/client_error.hpp"
#include "http/request_text.hpp"

namespace latchkey::http {
namespace asio = boost::asio;
using boost::system::error_code;
namespace {

constexpr std::size_t kReadBytes = 16 * 1024;
constexpr std::size_t kReadBytesMin = 4 * 1024;
/// Up to here a body is copied behind its head and both leave in one write (and one TLS record).
constexpr std::size_t kSmallBodyMax = 12 * 1024;

}  // namespace

ClientConnection::ClientConnection(Executor executor, TlsClientContext tls,
                                   Destination& destination, ResponseParser::Limits limits)
    : tls_context_(std::move(tls)),
      destination_(destination),
      socket_(executor),
      connector_(socket_),
      parser_(limits) {}

ClientConnection::~ClientConnection() {
  // Freed without a shutdown, OpenSSL would spoil the session for those who want to resume it. The
  // other side needs no close_notify: every answer had its own end.
  if (tls_) SSL_set_shutdown(tls_->native_handle(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

Task<Result<>> ClientConnection::open() {
  const Proxy* const proxy = destination_.proxy;
  const std::string& host = proxy != nullptr ? proxy->host : destination_.host;
  const std::uint16_t port = proxy != nullptr ? proxy->port : destination_.port;
  const error_code error = co_await connector_.connect(host, port);
  if (error) {
    rethrow_cancellation(error);
    const std::string reached =
        proxy != nullptr ? "the proxy " + proxy->shown() : destination_.shown;
    co_return fail(connect_error(error, reached));
  }
  if (destination_.is_https()) {
    if (proxy != nullptr) {
      Result<> tunnel = co_await open_tunnel();
      if (!tunnel) co_return tunnel;
    }
    Result<> secured = co_await shake_hands();
    if (!secured) co_return secured;
  }
  co_return Result<>{};
}

Task<Result<>> ClientConnection::open_tunnel() {
  const std::string proxy = "the proxy " + destination_.proxy->shown();
  out_ = connect_request(destination_.shown, *destination_.proxy);
  parser_.begin(Method::connect);
  const error_code error = co_await send_rest(0);
  if (error) {
    rethrow_cancellation(error);
    co_return fail(connect_error(error, proxy));
  }
  Result<> received = co_await receive(proxy);
  if (!received) co_return received;
  const Response answer = parser_.take();
  if (answer.status / 100 != 2) {
    co_return fail(proxy_refusal(answer.status, destination_.proxy->shown(), destination_.shown));
  }
  if (in_size_ != 0) {  // A TLS server never speaks first: these bytes are not from one.
    co_return fail(ErrorKind::protocol, "MalformedAnswer",
                   proxy + " sent bytes of its own into the tunnel");
  }
  co_return Result<>{};
}

Task<Result<>> ClientConnection::shake_hands() {
  ERR_clear_error();
  tls_ = std::make_unique<TlsStream>(socket_, tls_context_.impl->context);
  SSL* const ssl = tls_->native_handle();
  expect_name(ssl, destination_.host);
  if (destination_.session) SSL_set_session(ssl, destination_.session.get());
  auto [error] = co_await tls_->async_handshake(asio::ssl::stream_base::client, use_task_tuple);
  if (error) {
    rethrow_cancellation(error);
    destination_.session.reset();
    co_return fail(tls_error(error, SSL_get_verify_result(ssl), destination_.shown));
  }
  co_return Result<>{};
}

Task<Result<Response>> ClientConnection::exchange(ClientRequest& request) {
  reusable_ = false;
  send_failed_ = false;
  parser_.begin(request.method);
  out_.clear();
  append_head(request, destination_.authority, destination_.absolute_form_proxy(), out_);
  const bool chunks = request.chunked && !request.body.empty();
  if (chunks) out_ += chunk_line(request.body.size());
  std::string_view end;
  if (request.chunked) end = chunks ? kChunkEnd : kNoChunks;

  std::shared_ptr<const std::string> large_body;
  if (request.body.size() > kSmallBodyMax) {
    large_body = std::make_shared<const std::string>(std::move(request.body));
    send_beside_receiving(large_body, end);
  } else {
    out_ += request.body;
    out_ += end;
    error_code error;
    const std::size_t sent = send_at_once(error);
    if (!error && sent < out_.size()) error = co_await send_rest(sent);
    if (error) rethrow_cancellation(error);
    // An answer may have come all the same, from a server that refuses and closes: look for it.
    send_failed_ = static_cast<bool>(error);
  }
  Result<> received = co_await receive(destination_.shown);
  if (!received) {
    // A copy: a write that has not ended yet may still look at the text.
    if (large_body) request.body = *large_body;
    co_return fail(std::move(received).error());
  }
  reusable_ =
      parser_.keep_alive() && in_size_ == 0 && !sending_ && !send_failed_ && !tls_has_more();
  if (tls_ && !session_kept_) keep_session();
  co_return parser_.take();
}

std::size_t ClientConnection::send_at_once(error_code& error) {
  if (tls_) return 0;
  const std::size_t sent = socket_.write_some(asio::buffer(out_), error);
  if (error == asio::error::would_block) error.clear();
  return sent;
}

Task<error_code> ClientConnection::send_rest(std::size_t sent) {
  const asio::const_buffer rest = asio::buffer(out_) + sent;
  error_code error;
  if (tls_) {
    auto [outcome, size] = co_await asio::async_write(*tls_, rest, use_task_tuple);
    error = outcome;
  } else {
    auto [outcome, size] = co_await asio::async_write(socket_, rest, use_task_tuple);
    error = outcome;
  }
  co_return error;
}

/// A server may answer before it has read everything ("413 Content Too Large"), and may then stop
/// reading: a large body is therefore written while the answer is awaited.
void ClientConnection::send_beside_receiving(std::shared_ptr<const std::string> body,
                                             std::string_view end) {
  const std::array<asio::const_buffer, 3> parts = {asio::buffer(out_), asio::buffer(*body),
                                                   asio::buffer(end)};
  // The handler keeps alive what is written, and the connection that writes it.
  auto ended = [self = shared_from_this(), body](const error_code& error, std::size_t) {
    self->sending_ = false;
    self->send_failed_ = static_cast<bool>(error);
  };
  sending_ = true;
  if (tls_) {
    asio::async_write(*tls_, parts, std::move(ended));
  } else {
    asio::async_write(socket_, parts, std::move(ended));
  }
}

Task<Result<>> ClientConnection::receive(std::string_view peer) {
  in_size_ = 0;
  answer_begun_ = false;
  while (!parser_.done()) {
    if (in_.size() - in_size_ < kReadBytesMin) in_.resize(in_size_ + kReadBytes);
    const auto space = asio::buffer(in_) + in_size_;
    error_code error;
    std::size_t size = 0;
    if (tls_) {
      auto [outcome, received] = co_await tls_->async_read_some(space, use_task_tuple);
      error = outcome;
      size = received;
    } else {
      auto [outcome, received] = co_await socket_.async_read_some(space, use_task_tuple);
      error = outcome;
      size = received;
    }
    if (error) {
      rethrow_cancellation(error);
      co_return stream_ended(error, peer);
    }
    answer_begun_ = true;
    in_size_ += size;
    Result<> parsed = parse_received(peer);
    if (!parsed) co_return parsed;
  }
  co_return Result<>{};
}

Result<> ClientConnection::parse_received(std::string_view peer) {
  const auto taken = parser_.feed({in_.data(), in_size_});
  if (!taken) return fail(said_by(peer, taken.error()));
  in_size_ -= *taken;
  if (in_size_ != 0 && *taken != 0) std::memmove(in_.data(), in_.data() + *taken, in_size_);
  return {};
}

Result<> ClientConnection::stream_ended(const error_code& error, std::string_view peer) {
  if (!answer_begun_) return fail(broken_connection(error, peer));
  if (parser_.reads_until_close()) {
    if (error == asio::ssl::error::stream_truncated) return fail(tls_cut_short(peer));
    if (error == asio::error::eof && parser_.end_of_stream()) return {};
  }
  return fail(answer_cut_short(peer));
}

void ClientConnection::rethrow_cancellation(const error_code& error) const {
  if (error == asio::error::operation_aborted && !aborted_) {
    throw boost::system::system_error(error);
  }
}

void ClientConnection::keep_session() {
  session_kept_ = true;
  TlsSession session(SSL_get1_session(tls_->native_handle()));
  if (session && SSL_SESSION_is_resumable(session.get()) == 1) {
    destination_.session = std::move(session);
  }
}

/// What came in one piece with the answer, a close_notify for instance, lies in OpenSSL already,
/// where is_quiet() does not see it.
bool ClientConnection::tls_has_more() {
  if (!tls_) return false;
  ERR_clear_error();
  char byte = 0;
  const int size = SSL_peek(tls_->native_handle(), &byte, 1);
  return size > 0 || SSL_get_error(tls_->native_handle(), size) != SSL_ERROR_WANT_READ;
}

bool ClientConnection::is_quiet() {
  char byte = 0;
  error_code error;
  socket_.receive(asio::buffer(&byte, 1), asio::socket_base::message_peek, error);
  return error == asio::error::would_block;
}

void ClientConnection::abort() {
  aborted_ = true;
  connector_.abort();
}

}  // namespace latchkey::http
