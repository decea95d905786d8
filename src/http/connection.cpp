#include "http/connection.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/this_coro.hpp>
#include <cstring>
#include <exception>
#include <type_traits>

#include "base/log.hpp"
#include "http/drop_connection.hpp"
#include "http/tls_impl.hpp"

namespace latchkey::http {
namespace asio = boost::asio;
namespace {

using ErrorCode = boost::system::error_code;
using TlsStream = asio::ssl::stream<Socket&>;

constexpr std::size_t kInputFirst = 4 * 1024;
constexpr std::size_t kInputGrownMax = 64 * 1024;
// Memory above this goes back once a large answer is sent.
constexpr std::size_t kOutputKept = 64 * 1024;
// How long, and how many bytes, a client may go on talking behind our last answer.
constexpr std::chrono::seconds kLingerTime{2};
constexpr std::size_t kLingerBytes = 4 * 1024 * 1024;
// How long a connection may stay that we have no place for.
constexpr std::chrono::seconds kTurnedAwayTime{5};
constexpr unsigned char kTlsHandshakeRecord = 0x16;

std::string address_text(const Socket& socket) {
  ErrorCode error;
  auto address = socket.remote_endpoint(error).address();
  if (error) return {};
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  return address.to_string();
}

}  // namespace

void InputBuffer::keep(std::size_t size) {
  begin_ = end_ - size;
  if (size == 0) begin_ = end_ = 0;
}

std::span<char> InputBuffer::prepare() {
  if (begin_ > 0) {
    std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  const bool is_full = end_ == bytes_.size();
  if (is_full || (was_filled_ && bytes_.size() < kInputGrownMax)) {
    bytes_.resize(std::max(kInputFirst, bytes_.size() * 2));
  }
  return {bytes_.data() + end_, bytes_.size() - end_};
}

void InputBuffer::commit(std::size_t size) {
  end_ += size;
  was_filled_ = end_ == bytes_.size();
}

Connection::Connection(Socket socket, ServerState& server, bool turned_away)
    : socket_(std::move(socket)),
      server_(server),
      parser_(server.options.limits),
      since_(server.now),
      turned_away_(turned_away) {}

Task<> Connection::run() {
  ErrorCode ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
  parser_.request().peer_address = address_text(socket_);
  bool is_tls = false;
  if (server_.options.tls) is_tls = co_await begins_with_tls();
  if (is_tls) {
    co_await run_tls(*server_.options.tls);
  } else {
    co_await run_plain();
  }
  close();
}

Task<> Connection::run_plain() {
  const Ending ending = co_await serve(socket_);
  if (ending == Ending::parted) co_await linger();
  if (ending == Ending::tunnel) co_await run_tunnel();
}

Task<> Connection::run_tunnel() {
  enter(Phase::idle);
  const bool is_tls = co_await begins_with_tls();
  if (is_tls) {
    co_await run_tls(tunnel_->tls);
  } else {
    co_await run_plain();
  }
}

Task<bool> Connection::begins_with_tls() {
  // Who does not wait for the answer to CONNECT sends on behind it.
  const std::string_view early = input_.unread();
  if (!early.empty()) co_return early.front() == static_cast<char>(kTlsHandshakeRecord);
  const auto [error] = co_await socket_.async_wait(Socket::wait_read, use_task_tuple);
  unsigned char first = 0;
  ErrorCode peek_error = error;
  if (!error) {
    socket_.receive(asio::buffer(&first, 1), asio::socket_base::message_peek, peek_error);
  }
  co_return !peek_error && first == kTlsHandshakeRecord;
}

Task<> Connection::run_tls(TlsServerContext tls) {
  parser_.request().over_tls = over_tls_ = true;
  TlsStream stream(socket_, tls.impl->context);
  enter(Phase::receiving);
  const std::string_view early = input_.unread();
  const asio::const_buffer hello = asio::buffer(early);
  const auto [error, used] =
      co_await stream.async_handshake(TlsStream::server, hello, use_task_tuple);
  if (error || used != early.size()) co_return;
  input_.keep(0);
  enter(Phase::idle);
  const Ending ending = co_await serve(stream);
  if (ending == Ending::gone) co_return;
  enter(Phase::closing);
  const auto [shutdown_error] = co_await stream.async_shutdown(use_task_tuple);
  // A client that answers our goodbye has read everything; another may not have.
  if (shutdown_error && ending == Ending::parted && socket_.is_open()) co_await linger();
}

/// To close while the other side still sends would reset the connection, and the reset can
/// overtake our last answer (RFC 9112 section 9.6).
Task<> Connection::linger() {
  enter(Phase::closing);
  ErrorCode error;
  socket_.shutdown(Socket::shutdown_send, error);
  std::size_t discarded = 0;
  std::array<char, 4096> waste;
  const asio::mutable_buffer room = asio::buffer(waste);
  while (!error && discarded < kLingerBytes) {
    const auto [read_error, count] = co_await socket_.async_read_some(room, use_task_tuple);
    error = read_error;
    discarded += count;
  }
}

template <class Stream>
Task<Connection::Ending> Connection::serve(Stream& stream) {
  using Progress = RequestParser::Progress;
  for (;;) {
    std::string_view unread = input_.unread();
    const Progress progress = parser_.parse(unread);
    input_.keep(unread.size());

    Ending ending = Ending::parted;
    bool stays = false;
    if (progress == Progress::need_more) {
      const std::span<char> room = wait_for_input();
      const asio::mutable_buffer buffer(room.data(), room.size());
      const auto [error, count] = co_await stream.async_read_some(buffer, use_task_tuple);
      if (take_input(error.failed(), count)) continue;
      if (!timed_out_) co_return Ending::gone;
      prepare(text_response(408, "the request took too long to arrive\n"), false);
    } else if (progress == Progress::expects_continue) {
      output_ = "HTTP/1.1 100 Continue\r\n\r\n";
      stays = true;
    } else if (progress == Progress::refused) {
      prepare(parser_.refusal(), false);
    } else if (is_refused_here()) {
      prepare(refusal_here(), false);
    } else {
      enter(Phase::handling);
      Response response;
      std::exception_ptr problem;
      try {
        response = co_await handler()(parser_.request());
      } catch (const DropConnection&) {
        co_return Ending::gone;
      } catch (...) {
        problem = std::current_exception();
      }
      if (!socket_.is_open()) co_return Ending::gone;
      if (timed_out_) co_await asio::this_coro::reset_cancellation_state();
      response = checked(std::move(response), problem);
      if (opens_tunnel(response)) {
        ending = Ending::tunnel;
      } else {
        stays = prepare(response, parser_.keep_alive() && !timed_out_);
        if (!parser_.keep_alive() && input_.unread().empty()) ending = Ending::done;
      }
    }

    const SteadyTime begun = since_;
    bool sent = send_at_once(stream);
    if (!sent) sent = co_await send_rest(stream);
    if (!sent) co_return Ending::gone;
    if (ending == Ending::tunnel) parser_.next();
    if (!stays) co_return ending;
    if (progress == Progress::complete) {
      parser_.next();
      enter(Phase::idle);
    } else {
      phase_ = Phase::receiving;  // the time for the whole request runs on
      since_ = begun;
    }
  }
}

std::span<char> Connection::wait_for_input() {
  if (!parser_.started()) {
    enter(Phase::idle);
    if (server_.draining) close();
  } else if (phase_ != Phase::receiving) {
    enter(Phase::receiving);
  }
  return input_.prepare();
}

bool Connection::take_input(bool failed, std::size_t size) {
  if (failed || timed_out_) return false;
  if (phase_ == Phase::idle) enter(Phase::receiving);
  input_.commit(size);
  return true;
}

bool Connection::needs_tls() const {
  const ServerOptions& options = server_.options;
  return options.tls && options.tls_only && !over_tls_;
}

Response Connection::refusal_here() const {
  if (needs_tls()) return text_response(400, "this port speaks https only\n");
  Response response = text_response(503, "too many connections; try again in a second\n");
  response.headers.add("Retry-After", "1");
  return response;
}

Response Connection::checked(Response response, const std::exception_ptr& problem) const {
  const ServerOptions& options = server_.options;
  if (timed_out_) {
    log::warning("handler_timeout",
                 {{"server", options.name}, {"limit_s", options.limits.handler_timeout.count()}});
    return text_response(503, "the answer took too long\n");
  }
  std::string what;
  try {
    if (problem) std::rethrow_exception(problem);
    if (response.status >= 200 && response.status <= 999) return response;
    what = "status " + std::to_string(response.status) + " is no final status";
  } catch (const std::exception& error) {
    what = error.what();
  } catch (...) {
    what = "unknown exception";
  }
  log::error("handler_failed", {{"server", options.name}, {"problem", what}});
  return text_response(500, "internal error\n");
}

bool Connection::opens_tunnel(Response& response) {
  if (!response.tunnel || tunnel_ || parser_.request().method != Method::connect) return false;
  tunnel_ = std::move(response.tunnel);
  // Neither length nor body may be in it, and what ended the request does not end the connection.
  output_ = "HTTP/1.1 200 Connection established\r\n\r\n";
  return true;
}

bool Connection::prepare(const Response& response, bool keep_alive) {
  AnswerForm form;
  form.to_http10 = parser_.is_http10();
  form.to_head = parser_.request().method == Method::head;
  form.keep_alive = keep_alive && !server_.draining;
  output_.clear();
  return render(response, form, server_.date.at(server_.clock.now()), output_);
}

/// Most answers fit into the socket's buffer: no need to go through the reactor for them.
bool Connection::send_at_once(Socket& socket) {
  ErrorCode error;
  output_sent_ = socket.write_some(asio::buffer(output_), error);
  return !error && output_sent_ == output_.size();
}

template <class Stream>
bool Connection::send_at_once(Stream& /*stream*/) {
  output_sent_ = 0;
  return false;
}

template <class Stream>
Task<bool> Connection::send_rest(Stream& stream) {
  while (output_sent_ < output_.size()) {
    enter(Phase::sending);
    const asio::const_buffer rest = asio::buffer(output_) + output_sent_;
    const auto [error, count] = co_await stream.async_write_some(rest, use_task_tuple);
    if (error) co_return false;
    output_sent_ += count;
  }
  if (output_.capacity() > kOutputKept) std::string().swap(output_);
  co_return true;
}

void Connection::enter(Phase phase) {
  phase_ = phase;
  since_ = server_.now;
}

void Connection::close() {
  ErrorCode ignored;
  socket_.close(ignored);
}

void Connection::enforce_deadline() {
  const ServerLimits& limits = server_.options.limits;
  // `since_` may be older than what it stands for by one interval: better late than early.
  const auto spent = server_.now - since_ - kSweepInterval;
  ErrorCode ignored;
  switch (phase_) {
    case Phase::idle:
      if (spent >= (turned_away_ ? kTurnedAwayTime : limits.idle_timeout)) close();
      return;
    case Phase::receiving:
      if (spent < limits.request_timeout || timed_out_) return;
      timed_out_ = true;
      socket_.cancel(ignored);
      return;
    case Phase::handling:
      if (spent < limits.handler_timeout || timed_out_) return;
      timed_out_ = true;
      signal_.emit(asio::cancellation_type::all);
      return;
    case Phase::sending:
      if (spent >= limits.request_timeout) close();
      return;
    case Phase::closing:
      if (spent >= kLingerTime) close();
      return;
  }
}

void Connection::close_if_idle() {
  if (phase_ == Phase::idle) close();
}

void Connection::abort() {
  signal_.emit(asio::cancellation_type::all);
  close();
}

}  // namespace latchkey::http
