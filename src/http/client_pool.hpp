#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "http/client.hpp"
#include "http/client_connection.hpp"

/// The client's connections by host, who waits for one, and the deadlines of what runs. All on one
/// thread.
///
/// Deadlines are looked at by one sweep while anything runs: a timer per operation would cost
/// system calls for each. It looks once more after the last call has ended, and then there is no
/// timer, so nothing wakes or is kept alive; idle connections grow old without one.
namespace latchkey::http {

class ClientPool : public std::enable_shared_from_this<ClientPool> {
 public:
  class Call;
  class Lease;

  ClientPool(Executor executor, TlsClientContext tls, Clock& clock, const PoolOptions& options);

  struct Host;
  /// The pool for where `url` points. Error: invalid_argument when its proxy cannot be used.
  Result<Host*> host_for(const Url& url);
  /// Gets `lease` an idle connection, or leave to open one; or waits until `call` may have either.
  /// True when that took no waiting.
  bool try_acquire(Lease& lease);
  /// To be awaited after try_acquire said no. Ends without a lease when `call` was interrupted.
  Task<> wait_for_turn(Lease& lease, Call& call);
  std::shared_ptr<ClientConnection> new_connection(Host& host) const;

  void close_idle();
  /// The client goes: everything that runs ends with an error, soon.
  void close();
  bool is_closed() const { return closed_; }

 private:
  struct Waiter;
  struct HostKey {
    std::string_view scheme;
    std::string_view host;
    std::uint16_t port;
    bool operator==(const HostKey&) const = default;
  };
  struct HostKeyHash {
    std::size_t operator()(const HostKey& key) const;
  };

  void release(Host& host, std::shared_ptr<ClientConnection> connection);
  void close_idle(Host& host, std::size_t count);
  void enter(Call& call);
  void leave(Call& call);
  void start_sweep();
  void sweep();

  Executor executor_;
  TlsClientContext tls_;
  Clock* clock_;  ///< not to be used once closed_: its owner may be gone
  PoolOptions options_;
  ProxyRules proxies_;
  /// The keys' texts lie in the hosts.
  std::unordered_map<HostKey, std::unique_ptr<Host>, HostKeyHash> hosts_;
  std::vector<Call*> calls_;
  Timer sweep_timer_;
  bool sweeping_ = false;
  bool closed_ = false;
};

struct ClientPool::Host {
  Destination destination;
  std::vector<std::shared_ptr<ClientConnection>> idle;  ///< the longest unused first
  std::size_t open = 0;   ///< connections that exist or are being opened, idle ones too
  std::size_t users = 0;  ///< leases; the host stays as long as there are any
  std::deque<Waiter*> waiters;
};

/// One running request: its deadlines, and what to interrupt when they pass.
class ClientPool::Call {
 public:
  enum class Phase { waiting, connecting, exchanging };

  Call(ClientPool& pool, const Destination& destination, std::chrono::milliseconds timeout);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  void connecting(ClientConnection& connection,
                  std::optional<std::chrono::milliseconds> connect_timeout);
  void exchanging(ClientConnection& connection);
  /// No more connection to interrupt.
  void detach() { connection_ = nullptr; }

  bool is_interrupted() const { return interrupted_ || pool_.is_closed(); }
  /// What to tell the caller: the deadline that passed, if that was it, and `error` otherwise.
  Error cause(Error error) const;
  Error cause() const { return cause(Error{}); }

 private:
  friend class ClientPool;
  void interrupt();

  ClientPool& pool_;
  const Destination& destination_;
  SteadyTime deadline_;
  SteadyTime phase_deadline_;
  Phase phase_ = Phase::waiting;
  ClientConnection* connection_ = nullptr;
  Waiter* waiter_ = nullptr;
  std::size_t index_ = 0;
  bool interrupted_ = false;
};

/// The right to have one connection to a host. Gives it back, or hands it on, when it goes.
class ClientPool::Lease {
 public:
  Lease(ClientPool& pool, Host& host) : pool_(pool), host_(host) { ++host_.users; }
  ~Lease();
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  /// Closes the connection, keeping the right to open another.
  void drop_connection();

  std::shared_ptr<ClientConnection> connection;

 private:
  friend class ClientPool;
  ClientPool& pool_;
  Host& host_;
  bool granted_ = false;
};

}  // namespace latchkey::http
