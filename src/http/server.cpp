#include "http/server.hpp"

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>
#include <utility>

#include "base/log.hpp"
#include "http/connection.hpp"

namespace latchkey::http {
namespace asio = boost::asio;
namespace {

using ErrorCode = boost::system::error_code;
using tcp = asio::ip::tcp;
using Acceptor = asio::basic_socket_acceptor<tcp, Executor>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;

// Above connections_max so many are told so with a 503; what comes on top is closed unheard.
constexpr std::size_t kTurnedAwayMax = 64;
// How long to leave a full process (no descriptors, no memory) alone.
constexpr std::chrono::milliseconds kAcceptPause{100};
// A port that is free on one address may be taken on the next: other ports to try then.
constexpr int kFreePortAttempts = 20;

bool is_cancellation(const std::exception_ptr& problem) {
  try {
    if (problem) std::rethrow_exception(problem);
  } catch (const boost::system::system_error& error) {
    return error.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
  return true;
}

bool is_missing_address(const ErrorCode& error) {
  return error == asio::error::address_family_not_supported ||
         error == boost::system::errc::address_not_available;
}

std::string endpoint_text(const tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

Error listen_error(const tcp::endpoint& endpoint, const ErrorCode& cause) {
  Error error;
  error.kind = ErrorKind::unavailable;
  error.message = "cannot listen on " + endpoint_text(endpoint) + ": ";
  if (cause == asio::error::address_in_use) {
    error.code = "AddressInUse";
    error.message += "another program has this port; stop that one or choose another port";
  } else if (cause == asio::error::access_denied) {
    error.code = "PermissionDenied";
    error.message += "ports below 1024 need a permission; choose a higher port";
  } else {
    error.code = is_missing_address(cause) ? "AddressNotAvailable" : "ListenFailed";
    error.message += cause.message();
  }
  return error;
}

ErrorCode bind_one(Acceptor& acceptor, const tcp::endpoint& endpoint) {
  ErrorCode error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(Acceptor::reuse_address(true), error);
  // Without this [::] would take the IPv4 port as well.
  if (!error && endpoint.address().is_v6()) {
    acceptor.set_option(asio::ip::v6_only(true), error);
  }
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  return error;
}

Result<std::vector<asio::ip::address>> parse_addresses(const std::vector<std::string>& texts) {
  std::vector<asio::ip::address> addresses;
  for (const std::string& text : texts) {
    ErrorCode error;
    addresses.push_back(asio::ip::make_address(text, error));
    if (error) {
      return fail(ErrorKind::invalid_argument, "InvalidAddress",
                  "\"" + text + "\" is no IP address to listen on, such as 127.0.0.1 or ::1");
    }
  }
  if (addresses.empty()) {
    return fail(ErrorKind::invalid_argument, "InvalidAddress", "there is no address to listen on");
  }
  return addresses;
}

/// One try at all addresses with one port. Addresses that this machine lacks are passed over.
Result<std::vector<Acceptor>> bind_all(Executor executor, const ServerOptions& options,
                                       const std::vector<asio::ip::address>& addresses) {
  std::vector<Acceptor> acceptors;
  std::optional<Error> missing;
  std::uint16_t port = options.port;
  for (const auto& address : addresses) {
    Acceptor acceptor(executor);
    const tcp::endpoint endpoint(address, port);
    const ErrorCode error = bind_one(acceptor, endpoint);
    if (is_missing_address(error)) {
      missing = listen_error(endpoint, error);
      log::info("address_passed_over",
                {{"server", options.name}, {"address", address.to_string()}});
      continue;
    }
    if (error) return fail(listen_error(endpoint, error));
    port = acceptor.local_endpoint().port();
    acceptors.push_back(std::move(acceptor));
  }
  if (acceptors.empty()) return fail(*missing);
  return acceptors;
}

Result<std::vector<Acceptor>> bind_addresses(Executor executor, const ServerOptions& options) {
  const auto addresses = parse_addresses(options.addresses);
  if (!addresses) return fail(addresses.error());
  auto acceptors = bind_all(executor, options, *addresses);
  for (int attempt = 1; attempt < kFreePortAttempts; ++attempt) {
    const bool try_another =
        options.port == 0 && !acceptors && acceptors.error().code == "AddressInUse";
    if (!try_another) break;
    acceptors = bind_all(executor, options, *addresses);
  }
  return acceptors;
}

}  // namespace

/// Lives as long as any of its coroutines: each one's completion holds it.
struct Server::Impl : std::enable_shared_from_this<Server::Impl> {
  Impl(Executor executor_in, ServerOptions options, Handler handler, Clock& clock,
       std::vector<Acceptor> acceptors_in)
      : executor(executor_in),
        state{.options = std::move(options),
              .handler = std::move(handler),
              .clock = clock,
              .now = clock.steady_now(),
              .date = {}},
        acceptors(std::move(acceptors_in)),
        port(acceptors.front().local_endpoint().port()),
        changed(executor, Timer::time_point::max()) {}

  void start();
  void start_loop(Task<> loop);
  void start_connection(Socket socket);
  void note_end(std::string_view event, const std::exception_ptr& problem);
  Task<> accept(Acceptor& acceptor);
  Task<> sweep();
  Task<> abort_after(std::chrono::milliseconds grace);
  void stop_accepting();
  void abort_connections();
  void cancel_loops();

  Executor executor;
  ServerState state;
  std::vector<Acceptor> acceptors;
  std::uint16_t port;
  std::list<Connection> connections;
  std::size_t turned_away = 0;
  std::list<asio::cancellation_signal> loops;
  Timer changed;  // cancelled when a connection or loop has ended
};

void Server::Impl::start() {
  for (Acceptor& acceptor : acceptors) start_loop(accept(acceptor));
  start_loop(sweep());
  log::debug("listening", {{"server", state.options.name}, {"port", port}});
}

void Server::Impl::start_loop(Task<> loop) {
  const auto place = loops.emplace(loops.end());
  auto ended = [self = shared_from_this(), place](const std::exception_ptr& problem) {
    self->loops.erase(place);
    self->note_end("server_loop_failed", problem);
  };
  asio::co_spawn(executor, std::move(loop),
                 asio::bind_cancellation_slot(place->slot(), std::move(ended)));
}

void Server::Impl::start_connection(Socket socket) {
  const bool too_many = connections.size() - turned_away >= state.options.limits.connections_max;
  if (too_many && turned_away >= kTurnedAwayMax) return;
  const auto place = connections.emplace(connections.end(), std::move(socket), state, too_many);
  if (too_many) ++turned_away;
  auto ended = [self = shared_from_this(), place](const std::exception_ptr& problem) {
    if (place->turned_away()) --self->turned_away;
    self->connections.erase(place);
    self->note_end("connection_failed", problem);
  };
  asio::co_spawn(executor, place->run(),
                 asio::bind_cancellation_slot(place->slot(), std::move(ended)));
}

void Server::Impl::note_end(std::string_view event, const std::exception_ptr& problem) {
  if (problem && !is_cancellation(problem)) log::error(event, {{"server", state.options.name}});
  changed.cancel();
}

Task<> Server::Impl::accept(Acceptor& acceptor) {
  while (acceptor.is_open()) {
    auto [error, socket] = co_await acceptor.async_accept(use_task_tuple);
    if (!error) {
      start_connection(std::move(socket));
    } else if (error != asio::error::operation_aborted &&
               error != asio::error::connection_aborted && acceptor.is_open()) {
      log::warning("accept_failed", {{"server", state.options.name}, {"problem", error.message()}});
      co_await state.clock.sleep_for(kAcceptPause);
    }
  }
}

Task<> Server::Impl::sweep() {
  for (;;) {
    co_await state.clock.sleep_for(kSweepInterval);
    state.now = state.clock.steady_now();
    for (Connection& connection : connections) connection.enforce_deadline();
  }
}

Task<> Server::Impl::abort_after(std::chrono::milliseconds grace) {
  co_await state.clock.sleep_for(grace);
  abort_connections();
}

void Server::Impl::stop_accepting() {
  state.draining = true;
  for (Acceptor& acceptor : acceptors) {
    ErrorCode ignored;
    acceptor.close(ignored);
  }
}

void Server::Impl::abort_connections() {
  for (Connection& connection : connections) connection.abort();
}

void Server::Impl::cancel_loops() {
  for (auto& signal : loops) signal.emit(asio::cancellation_type::all);
}

Result<std::unique_ptr<Server>> Server::listen(Executor executor, ServerOptions options,
                                               Handler handler, Clock& clock) {
  auto acceptors = bind_addresses(executor, options);
  if (!acceptors) return fail(acceptors.error());
  auto impl = std::make_shared<Impl>(executor, std::move(options), std::move(handler), clock,
                                     std::move(*acceptors));
  impl->start();
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() {
  impl_->stop_accepting();
  // On the executor only: from elsewhere Asio 1.81 would post each cancellation to a place that may
  // be gone when it arrives, and ends the program for a coroutine that has not begun yet.
  asio::dispatch(impl_->executor, [impl = impl_] {
    impl->abort_connections();
    impl->cancel_loops();
  });
}

std::uint16_t Server::port() const {
  return impl_->port;
}

std::size_t Server::connections() const {
  return impl_->connections.size();
}

Task<> Server::drain(std::chrono::milliseconds grace) {
  const std::shared_ptr<Impl> impl = impl_;
  impl->stop_accepting();
  for (Connection& connection : impl->connections) connection.close_if_idle();
  impl->start_loop(impl->abort_after(grace));
  while (!impl->connections.empty()) {
    const auto [cancelled] = co_await impl->changed.async_wait(use_task_tuple);
    static_cast<void>(cancelled);
  }
  impl->cancel_loops();
  while (!impl->loops.empty()) {
    const auto [cancelled] = co_await impl->changed.async_wait(use_task_tuple);
    static_cast<void>(cancelled);
  }
}

}  // namespace latchkey::http
