#include "http/stream.hpp"

#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "http/client_error.hpp"
#include "http/connector.hpp"
#include "http/tls_impl.hpp"

namespace latchkey::http {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

/// A stream lies idle for long, and load balancers forget such connections without a word (Azure's
/// after 4 to 10 minutes): probes keep it known, and tell us when the other side is gone.
void notice_death(Socket& socket) {
  const int yes = 1;
  const int idle_seconds = 60;
  const int between_seconds = 10;
  const int probes = 3;
  const int handle = socket.native_handle();
  ::setsockopt(handle, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
  ::setsockopt(handle, IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, sizeof(idle_seconds));
  ::setsockopt(handle, IPPROTO_TCP, TCP_KEEPINTVL, &between_seconds, sizeof(between_seconds));
  ::setsockopt(handle, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

}  // namespace

/// What runs keeps this alive, so that the stream may go meanwhile.
struct ByteStream::Impl {
  Impl(Executor executor, TlsClientContext trust_in, StreamPeer peer_in)
      : trust(std::move(trust_in)),
        peer(std::move(peer_in)),
        shown(peer.shown()),
        socket(executor),
        connector(socket),
        deadline(executor) {}

  static Task<Result<>> open(std::shared_ptr<Impl> self);
  static Task<Result<>> shake_hands(std::shared_ptr<Impl> self);
  static Task<Result<>> write(std::shared_ptr<Impl> self, std::string bytes);
  static Task<Result<std::string_view>> read(std::shared_ptr<Impl> self);

  void abort();
  /// The deadline's error if that was it; told from outside to end, it unwinds.
  Error cause(const error_code& error, Error otherwise) const;

  TlsClientContext trust;
  StreamPeer peer;
  std::string shown;
  Socket socket;
  Connector connector;
  std::unique_ptr<asio::ssl::stream<Socket&>> tls;
  Timer deadline;
  std::array<char, 16 * 1024> in{};
  bool closed = false;
  bool timed_out = false;
};

void ByteStream::Impl::abort() {
  closed = true;
  deadline.cancel();
  connector.abort();
}

Error ByteStream::Impl::cause(const error_code& error, Error otherwise) const {
  if (timed_out) return response_timeout(shown);
  if (error == asio::error::operation_aborted && !closed) throw boost::system::system_error(error);
  return otherwise;
}

Task<Result<>> ByteStream::Impl::open(std::shared_ptr<Impl> self) {
  const error_code error = co_await self->connector.connect(self->peer.host, self->peer.port);
  if (error && self->timed_out) co_return fail(connect_timeout(self->shown));
  if (error) co_return fail(self->cause(error, connect_error(error, self->shown)));
  notice_death(self->socket);
  if (!self->peer.tls) co_return Result<>{};
  auto secured = co_await shake_hands(self);
  co_return secured;
}

Task<Result<>> ByteStream::Impl::shake_hands(std::shared_ptr<Impl> self) {
  ERR_clear_error();
  self->tls = std::make_unique<asio::ssl::stream<Socket&>>(self->socket, self->trust.impl->context);
  SSL* const ssl = self->tls->native_handle();
  expect_name(ssl, self->peer.host);
  auto [error] =
      co_await self->tls->async_handshake(asio::ssl::stream_base::client, use_task_tuple);
  if (error) {
    const long verified = SSL_get_verify_result(ssl);
    co_return fail(self->cause(error, tls_error(error, verified, self->shown)));
  }
  co_return Result<>{};
}

Task<Result<>> ByteStream::Impl::write(std::shared_ptr<Impl> self, std::string bytes) {
  error_code error;
  if (self->tls) {
    auto [outcome, size] =
        co_await asio::async_write(*self->tls, asio::buffer(bytes), use_task_tuple);
    error = outcome;
  } else {
    auto [outcome, size] =
        co_await asio::async_write(self->socket, asio::buffer(bytes), use_task_tuple);
    error = outcome;
  }
  if (error) co_return fail(self->cause(error, broken_connection(error, self->shown)));
  co_return Result<>{};
}

Task<Result<std::string_view>> ByteStream::Impl::read(std::shared_ptr<Impl> self) {
  error_code error;
  std::size_t received = 0;
  if (self->tls) {
    auto [outcome, size] =
        co_await self->tls->async_read_some(asio::buffer(self->in), use_task_tuple);
    error = outcome;
    received = size;
  } else {
    auto [outcome, size] =
        co_await self->socket.async_read_some(asio::buffer(self->in), use_task_tuple);
    error = outcome;
    received = size;
  }
  if (error) co_return fail(self->cause(error, broken_connection(error, self->shown)));
  co_return std::string_view(self->in.data(), received);
}

std::string StreamPeer::shown() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

ByteStream::ByteStream(Executor executor, TlsClientContext trust, StreamPeer peer)
    : impl_(std::make_shared<Impl>(executor, std::move(trust), std::move(peer))) {}

Task<Result<>> ByteStream::open() {
  return Impl::open(impl_);
}

Task<Result<>> ByteStream::write(std::string bytes) {
  return Impl::write(impl_, std::move(bytes));
}

Task<Result<std::string_view>> ByteStream::read() {
  return Impl::read(impl_);
}

void ByteStream::set_deadline(std::chrono::milliseconds from_now) {
  impl_->deadline.expires_after(from_now);
  impl_->deadline.async_wait([weak = std::weak_ptr(impl_)](const error_code& error) {
    const auto self = weak.lock();
    if (error || !self) return;
    self->timed_out = true;
    self->abort();
  });
}

void ByteStream::no_deadline() {
  impl_->deadline.cancel();
}

bool ByteStream::is_quiet() {
  char byte = 0;
  error_code error;
  impl_->socket.receive(asio::buffer(&byte, 1), asio::socket_base::message_peek, error);
  return error == asio::error::would_block;
}

void ByteStream::close() {
  impl_->abort();
}

}  // namespace latchkey::http
