#include "http/client.hpp"

#include "http/client_error.hpp"
#include "http/client_pool.hpp"
#include "http/request_text.hpp"

namespace latchkey::http {

struct PooledClient::Impl : ClientPool {
  using ClientPool::ClientPool;
};

namespace {

/// One request from its check to its answer. Owns the pool, so that it may outlive the client.
Task<Result<Response>> perform(std::shared_ptr<ClientPool> pool, ClientRequest request) {
  if (pool->is_closed()) co_return fail(client_closed(request.url.authority()));
  if (auto checked = check_request(request); !checked) co_return fail(checked.error());
  const auto host = pool->host_for(request.url);
  if (!host) co_return fail(host.error());
  const Destination& destination = (*host)->destination;
  const bool replayable = request.replayable.value_or(is_idempotent(request.method));

  ClientPool::Lease lease(*pool, **host);
  ClientPool::Call call(*pool, destination, request.timeout);
  if (!pool->try_acquire(lease)) co_await pool->wait_for_turn(lease, call);
  if (call.is_interrupted()) co_return fail(call.cause());

  for (;;) {
    const bool kept_alive = lease.connection != nullptr;
    if (!kept_alive) {
      lease.connection = pool->new_connection(**host);
      call.connecting(*lease.connection, request.connect_timeout);
      Result<> opened = co_await lease.connection->open();
      if (!opened) co_return fail(call.cause(std::move(opened).error()));
    }
    call.exchanging(*lease.connection);
    Result<Response> answer = co_await lease.connection->exchange(request);
    if (answer) co_return answer;
    // A kept-alive connection may have been closed by the other side just when we wrote.
    const bool stale = kept_alive && !lease.connection->answer_begun();
    if (!stale || !replayable || call.is_interrupted()) {
      co_return fail(call.cause(std::move(answer).error()));
    }
    call.detach();
    lease.drop_connection();
  }
}

}  // namespace

PooledClient::PooledClient(Executor executor, TlsClientContext tls, Clock& clock,
                           PoolOptions options)
    : impl_(std::make_shared<Impl>(executor, std::move(tls), clock, options)) {}

PooledClient::~PooledClient() {
  impl_->close();
}

// No coroutine itself: the pool is taken hold of now, not when somebody awaits.
Task<Result<Response>> PooledClient::send(ClientRequest request) {
  return perform(impl_, std::move(request));
}

void PooledClient::close_idle() {
  static_cast<ClientPool&>(*impl_).close_idle();
}

}  // namespace latchkey::http
