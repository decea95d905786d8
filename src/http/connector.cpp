#include "http/connector.hpp"

#include <boost/asio/ip/address.hpp>

#include "http/url.hpp"

namespace latchkey::http {
namespace asio = boost::asio;
using boost::system::error_code;

/// The system's resolver cannot be interrupted: whoever waits gives up instead, and what comes
/// later is dropped with the last owner of this.
struct Connector::Lookup {
  explicit Lookup(Executor executor)
      : resolver(executor), ended(executor, Timer::time_point::max()) {}
  asio::ip::basic_resolver<asio::ip::tcp, Executor> resolver;
  Timer ended;
  bool done = false;
  error_code error;
  std::vector<Endpoint> endpoints;
};

bool is_ip_address(const std::string& host) {
  error_code error;
  asio::ip::make_address(host, error);
  return !error;
}

Task<error_code> Connector::connect(const std::string& host, std::uint16_t port) {
  error_code error = co_await resolve(host, port);
  if (error) co_return error;
  error = asio::error::host_not_found;  // Should the list be empty.
  for (const Endpoint& endpoint : endpoints_) {
    socket_.close(error);
    socket_.open(endpoint.protocol(), error);
    if (error) continue;
    auto [outcome] = co_await socket_.async_connect(endpoint, use_task_tuple);
    error = aborted_ ? asio::error::operation_aborted : outcome;
    if (error == asio::error::operation_aborted) break;
    if (!error) {
      socket_.set_option(asio::ip::tcp::no_delay(true), error);
      socket_.non_blocking(true, error);
      break;
    }
  }
  co_return error;
}

Task<error_code> Connector::resolve(const std::string& host, std::uint16_t port) {
  endpoints_.clear();
  error_code not_literal;
  const auto address = asio::ip::make_address(host, not_literal);
  if (!not_literal) {
    endpoints_ = {Endpoint(address, port)};
    co_return error_code{};
  }
  if (is_loopback_host(host)) {
    endpoints_ = {Endpoint(asio::ip::address_v4::loopback(), port),
                  Endpoint(asio::ip::address_v6::loopback(), port)};
    co_return error_code{};
  }
  const auto lookup = std::make_shared<Lookup>(socket_.get_executor());
  lookup_ = lookup;
  lookup->resolver.async_resolve(host, std::to_string(port),
                                 asio::ip::resolver_base::numeric_service,
                                 [lookup](const error_code& error, const auto& results) {
                                   lookup->done = true;
                                   lookup->error = error;
                                   for (const auto& result : results)
                                     lookup->endpoints.push_back(result.endpoint());
                                   lookup->ended.cancel();
                                 });
  auto [woken] = co_await lookup->ended.async_wait(use_task_tuple);
  (void)woken;  // It never expires; `done` tells an answer from an abort.
  lookup_.reset();
  if (!lookup->done) {
    lookup->resolver.cancel();
    co_return asio::error::operation_aborted;
  }
  endpoints_ = std::move(lookup->endpoints);
  co_return lookup->error;
}

void Connector::abort() {
  aborted_ = true;
  if (lookup_) lookup_->ended.cancel();
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace latchkey::http
