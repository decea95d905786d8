#include "http/testing/scripted_server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <list>

#include "base/text.hpp"
#include "http/connector.hpp"
#include "http/tls_impl.hpp"

namespace latchkey::http::testing {
namespace asio = boost::asio;
using boost::system::error_code;
namespace {

using TlsStream = asio::ssl::stream<Socket&>;

struct Connection {
  explicit Connection(Socket accepted) : socket(std::move(accepted)) {}
  Socket socket;
  std::unique_ptr<TlsStream> tls;
  std::string received;  ///< not yet part of a request
};

/// How long the request at the beginning of `text` is; 0 when it is not complete.
std::size_t request_size(std::string_view text) {
  const auto head = text.find("\r\n\r\n");
  if (head == std::string_view::npos) return 0;
  std::size_t size = head + 4;
  for (const auto line : split(text.substr(0, head), '\n')) {
    if (istarts_with(line, "Content-Length:")) {
      size += parse_integer<std::size_t>(trim(line.substr(15))).value_or(0);
    }
    if (istarts_with(line, "Transfer-Encoding: chunked")) {
      const auto end = text.find("0\r\n\r\n", size);
      if (end == std::string_view::npos) return 0;
      size = end + 5;
    }
  }
  return text.size() >= size ? size : 0;
}

Task<error_code> read_more(Connection& connection) {
  char bytes[16 * 1024];
  error_code error;
  std::size_t size = 0;
  if (connection.tls) {
    auto [outcome, received] =
        co_await connection.tls->async_read_some(asio::buffer(bytes), use_task_tuple);
    error = outcome;
    size = received;
  } else {
    auto [outcome, received] =
        co_await connection.socket.async_read_some(asio::buffer(bytes), use_task_tuple);
    error = outcome;
    size = received;
  }
  connection.received.append(bytes, size);
  co_return error;
}

}  // namespace

struct ScriptedServer::State {
  State(Executor executor_in, std::vector<Script> scripts_in)
      : executor(executor_in),
        acceptor(executor_in),
        changed(executor_in, Timer::time_point::max()),
        scripts(std::move(scripts_in)) {}

  Executor executor;
  asio::basic_socket_acceptor<asio::ip::tcp, Executor> acceptor;
  Timer changed;  ///< cancelled whenever something happened that somebody may wait for
  std::vector<Script> scripts;
  std::list<Connection> connections;
  std::vector<std::string> requests;
  std::size_t accepted = 0;
  std::size_t left = 0;
  std::size_t releases = 0;
  bool closed = false;
};

namespace {

Task<> wait_for_change(Timer& changed) {
  auto [woken] = co_await changed.async_wait(use_task_tuple);
  (void)woken;
}

enum class Outcome { done, ended, left };

Outcome outcome_of(const error_code& error) {
  return error ? Outcome::left : Outcome::done;
}

/// What each step does.
template <class State>
struct Performer {
  State& state;
  Connection& connection;

  Task<Outcome> operator()(const ReadRequest&) {
    std::size_t size = request_size(connection.received);
    while (size == 0) {
      const error_code error = co_await read_more(connection);
      if (error) co_return Outcome::left;
      size = request_size(connection.received);
    }
    state.requests.push_back(connection.received.substr(0, size));
    connection.received.erase(0, size);
    state.changed.cancel();
    co_return Outcome::done;
  }
  Task<Outcome> operator()(const ReadHead&) {
    while (connection.received.find("\r\n\r\n") == std::string::npos) {
      const error_code error = co_await read_more(connection);
      if (error) co_return Outcome::left;
    }
    co_return Outcome::done;
  }
  Task<Outcome> operator()(const Send& step) {
    error_code error;
    if (connection.tls) {
      auto [outcome, size] =
          co_await asio::async_write(*connection.tls, asio::buffer(step.bytes), use_task_tuple);
      error = outcome;
    } else {
      auto [outcome, size] =
          co_await asio::async_write(connection.socket, asio::buffer(step.bytes), use_task_tuple);
      error = outcome;
    }
    co_return outcome_of(error);
  }
  Task<Outcome> operator()(const StartTls& step) {
    connection.tls = std::make_unique<TlsStream>(connection.socket, step.context.impl->context);
    auto [error] =
        co_await connection.tls->async_handshake(asio::ssl::stream_base::server, use_task_tuple);
    co_return outcome_of(error);
  }
  Task<Outcome> operator()(const EndTls&) {
    auto [ignored] = co_await connection.tls->async_shutdown(use_task_tuple);
    (void)ignored;  // That the other side does not say the same is its own affair.
    co_return Outcome::done;
  }
  Task<Outcome> operator()(const Hold&) {
    while (state.releases == 0 && !state.closed) co_await wait_for_change(state.changed);
    if (state.releases != 0) --state.releases;
    co_return state.closed ? Outcome::ended : Outcome::done;
  }
  Task<Outcome> operator()(const Close&) {
    error_code ignored;
    connection.socket.close(ignored);
    co_return Outcome::ended;
  }
  Task<Outcome> operator()(const Reset&) {
    error_code ignored;
    connection.socket.set_option(asio::socket_base::linger(true, 0), ignored);
    connection.socket.close(ignored);
    co_return Outcome::ended;
  }
};

template <class State>
Task<> follow(std::shared_ptr<State> state, Connection& connection, Script script) {
  Performer<State> performer{*state, connection};
  for (const Step& step : script) {
    Task<Outcome> task = std::visit([&](const auto& what) { return performer(what); }, step);
    const Outcome outcome = co_await std::move(task);
    if (outcome == Outcome::left && !state->closed) ++state->left;
    if (outcome != Outcome::done) co_return;
  }
}

template <class State>
Task<> accept_all(std::shared_ptr<State> state) {
  while (!state->closed) {
    auto [error, socket] = co_await state->acceptor.async_accept(use_task_tuple);
    if (error) co_return;
    socket.set_option(asio::ip::tcp::no_delay(true));
    Connection& connection = state->connections.emplace_back(std::move(socket));
    const std::size_t index = std::min(state->accepted, state->scripts.size() - 1);
    ++state->accepted;
    state->changed.cancel();
    asio::co_spawn(state->executor, follow(state, connection, state->scripts[index]),
                   asio::detached);
  }
}

}  // namespace

Send ok(std::string_view body) {
  return Send{"HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
              std::string(body)};
}

ScriptedServer::ScriptedServer(Executor executor, std::vector<Script> scripts,
                               const std::string& address)
    : state_(std::make_shared<State>(executor, std::move(scripts))) {
  const Endpoint endpoint(asio::ip::make_address(address), 0);
  state_->acceptor.open(endpoint.protocol());
  state_->acceptor.bind(endpoint);
  state_->acceptor.listen();
  asio::co_spawn(executor, accept_all(state_), asio::detached);
}

ScriptedServer::~ScriptedServer() {
  error_code ignored;
  state_->closed = true;
  state_->acceptor.close(ignored);
  for (auto& connection : state_->connections) connection.socket.close(ignored);
  state_->changed.cancel();
}

std::uint16_t ScriptedServer::port() const {
  return state_->acceptor.local_endpoint().port();
}

std::string ScriptedServer::url(std::string_view target, std::string_view scheme,
                                std::string_view host) const {
  return std::string(scheme) + "://" + std::string(host) + ":" + std::to_string(port()) +
         std::string(target);
}

std::size_t ScriptedServer::connections() const {
  return state_->accepted;
}

std::size_t ScriptedServer::connections_left() const {
  return state_->left;
}

const std::vector<std::string>& ScriptedServer::requests() const {
  return state_->requests;
}

Task<> ScriptedServer::requests_read(std::size_t count) {
  const auto state = state_;
  while (state->requests.size() < count && !state->closed) co_await wait_for_change(state->changed);
}

void ScriptedServer::release() {
  ++state_->releases;
  state_->changed.cancel();
}

}  // namespace latchkey::http::testing
