#include "http/client_pool.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "http/client_error.hpp"

namespace latchkey::http {
namespace {
/// How late a deadline may be noticed.
constexpr std::chrono::milliseconds kSweepPeriod{50};

std::string with_port(const Url& url) {
  const bool is_v6 = url.host.find(':') != std::string::npos;
  return (is_v6 ? "[" + url.host + "]" : url.host) + ":" + std::to_string(url.port);
}
}  // namespace

struct ClientPool::Waiter {
  explicit Waiter(Executor executor) : woken(executor, Timer::time_point::max()) {}
  Timer woken;
  bool granted = false;
  std::shared_ptr<ClientConnection> connection;
};

std::size_t ClientPool::HostKeyHash::operator()(const HostKey& key) const {
  return std::hash<std::string_view>{}(key.host) ^ (std::size_t{key.port} << 1U) ^
         key.scheme.size();
}

ClientPool::ClientPool(Executor executor, TlsClientContext tls, Clock& clock,
                       const PoolOptions& options)
    : executor_(executor),
      tls_(std::move(tls)),
      clock_(&clock),
      options_(options),
      proxies_(options.https_proxy, options.http_proxy, options.no_proxy),
      sweep_timer_(executor) {
  LK_ASSERT(options_.connections_per_host_max > 0);
}

Result<ClientPool::Host*> ClientPool::host_for(const Url& url) {
  const auto found = hosts_.find(HostKey{url.scheme, url.host, url.port});
  if (found != hosts_.end()) return found->second.get();

  const auto proxy = proxies_.proxy_for(url);
  if (!proxy) return fail(proxy.error());
  auto made = std::make_unique<Host>();
  Destination& destination = made->destination;
  destination.scheme = url.scheme;
  destination.host = url.host;
  destination.port = url.port;
  destination.authority = url.authority();
  destination.shown = with_port(url);
  destination.proxy = *proxy;
  Host* const host = made.get();
  hosts_.emplace(HostKey{destination.scheme, destination.host, destination.port}, std::move(made));
  return host;
}

std::shared_ptr<ClientConnection> ClientPool::new_connection(Host& host) const {
  return std::make_shared<ClientConnection>(
      executor_, tls_, host.destination,
      ResponseParser::Limits{.header_bytes_max = options_.header_bytes_max,
                             .body_bytes_max = options_.body_bytes_max});
}

bool ClientPool::try_acquire(Lease& lease) {
  Host& host = lease.host_;
  // First come, first served: while anybody waits, nothing is free, as release() hands on.
  LK_ASSERT(host.waiters.empty() ||
            (host.idle.empty() && host.open >= options_.connections_per_host_max));
  while (!host.idle.empty()) {
    // The one used last: the others grow old and are closed when they are not needed.
    auto connection = std::move(host.idle.back());
    host.idle.pop_back();
    if (clock_->steady_now() - connection->idle_since < options_.idle_timeout &&
        connection->is_quiet()) {
      lease.connection = std::move(connection);
      lease.granted_ = true;
      return true;
    }
    connection->abort();
    --host.open;
  }
  if (host.open >= options_.connections_per_host_max) return false;
  ++host.open;
  lease.granted_ = true;
  return true;
}

Task<> ClientPool::wait_for_turn(Lease& lease, Call& call) {
  Waiter waiter(executor_);
  auto& waiters = lease.host_.waiters;
  waiters.push_back(&waiter);
  call.waiter_ = &waiter;
  auto [woken] = co_await waiter.woken.async_wait(use_task_tuple);
  (void)woken;  // It never expires: `granted` tells a turn from an interruption.
  call.waiter_ = nullptr;
  if (waiter.granted) {
    lease.granted_ = true;
    lease.connection = std::move(waiter.connection);
    co_return;
  }
  std::erase(waiters, &waiter);
  // Neither granted nor interrupted: told from outside to end.
  if (!call.is_interrupted()) {
    throw boost::system::system_error(boost::asio::error::operation_aborted);
  }
}

void ClientPool::release(Host& host, std::shared_ptr<ClientConnection> connection) {
  const bool reusable = connection != nullptr && connection->is_reusable() && !closed_;
  if (connection != nullptr && !reusable) {
    connection->abort();
    connection.reset();
  }
  if (closed_) return;
  if (!host.waiters.empty()) {  // Handed on with or without a connection: `open` stays.
    Waiter& next = *host.waiters.front();
    host.waiters.pop_front();
    next.granted = true;
    next.connection = std::move(connection);
    next.woken.cancel();
    return;
  }
  if (connection != nullptr && host.idle.size() < options_.idle_per_host_max) {
    connection->idle_since = clock_->steady_now();
    host.idle.push_back(std::move(connection));
    return;
  }
  if (connection != nullptr) connection->abort();
  --host.open;
}

void ClientPool::close_idle(Host& host, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) host.idle[i]->abort();
  host.idle.erase(host.idle.begin(), host.idle.begin() + static_cast<std::ptrdiff_t>(count));
  host.open -= count;
}

void ClientPool::close_idle() {
  for (auto& [key, host] : hosts_) close_idle(*host, host->idle.size());
}

void ClientPool::close() {
  closed_ = true;
  close_idle();
  for (Call* call : calls_) call->interrupt();
  sweep_timer_.cancel();
}

void ClientPool::enter(Call& call) {
  call.index_ = calls_.size();
  calls_.push_back(&call);
  if (!sweeping_) start_sweep();
}

void ClientPool::leave(Call& call) {
  calls_.back()->index_ = call.index_;
  calls_[call.index_] = calls_.back();
  calls_.pop_back();
}

void ClientPool::start_sweep() {
  sweeping_ = true;
  sweep_timer_.expires_after(kSweepPeriod);
  sweep_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto pool = weak.lock();
    if (!error && pool && !pool->closed_) pool->sweep();
  });
}

void ClientPool::sweep() {
  sweeping_ = false;
  const SteadyTime now = clock_->steady_now();
  for (Call* call : calls_) {
    if (std::min(call->deadline_, call->phase_deadline_) <= now) call->interrupt();
  }
  for (auto it = hosts_.begin(); it != hosts_.end();) {
    Host& host = *it->second;
    std::size_t expired = 0;
    while (expired < host.idle.size() &&
           now - host.idle[expired]->idle_since >= options_.idle_timeout) {
      ++expired;
    }
    close_idle(host, expired);
    const bool unused = host.open == 0 && host.users == 0;
    it = unused ? hosts_.erase(it) : std::next(it);
  }
  if (!calls_.empty()) start_sweep();
}

ClientPool::Call::Call(ClientPool& pool, const Destination& destination,
                       std::chrono::milliseconds timeout)
    : pool_(pool),
      destination_(destination),
      deadline_(pool.clock_->steady_now() + timeout),
      phase_deadline_(SteadyTime::max()) {
  pool_.enter(*this);
}

ClientPool::Call::~Call() {
  pool_.leave(*this);
}

void ClientPool::Call::connecting(ClientConnection& connection,
                                  std::optional<std::chrono::milliseconds> connect_timeout) {
  phase_ = Phase::connecting;
  connection_ = &connection;
  if (connect_timeout && !pool_.closed_) {
    phase_deadline_ = pool_.clock_->steady_now() + *connect_timeout;
  }
}

void ClientPool::Call::exchanging(ClientConnection& connection) {
  phase_ = Phase::exchanging;
  connection_ = &connection;
  phase_deadline_ = SteadyTime::max();
}

void ClientPool::Call::interrupt() {
  interrupted_ = true;
  if (connection_ != nullptr) connection_->abort();
  if (waiter_ != nullptr) waiter_->woken.cancel();
}

Error ClientPool::Call::cause(Error error) const {
  if (pool_.closed_) return client_closed(destination_.shown);
  if (!interrupted_) return error;
  switch (phase_) {
    case Phase::waiting:
      return pool_timeout(destination_.shown);
    case Phase::connecting:
      return connect_timeout(destination_.shown);
    case Phase::exchanging:
      return response_timeout(destination_.shown);
  }
  return error;
}

ClientPool::Lease::~Lease() {
  --host_.users;
  if (granted_) pool_.release(host_, std::move(connection));
}

void ClientPool::Lease::drop_connection() {
  if (connection) connection->abort();
  connection.reset();
}

}  // namespace latchkey::http
