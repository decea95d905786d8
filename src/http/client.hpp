#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "base/trace.hpp"
#include "http/message.hpp"
#include "http/tls.hpp"
#include "http/url.hpp"

namespace latchkey::http {

struct ClientRequest {
  Method method = Method::get;
  Url url{};
  Headers headers{};  ///< Host, Content-Length and Connection are the client's own business
  std::string body{};
  bool chunked = false;  ///< send the body with Transfer-Encoding: chunked
  /// May be sent again when a kept-alive connection turns out to be dead before any answer byte.
  /// Unset: what is_idempotent(method) says.
  std::optional<bool> replayable{};
  /// From now to the last byte of the answer, connecting included.
  std::chrono::milliseconds timeout{30'000};
  /// For connecting alone, when shorter (IMDS probes take 1 s).
  std::optional<std::chrono::milliseconds> connect_timeout{};
  Trace trace{};  ///< whose work this is; goes along as traceparent
};

/// Sends one request. The border at which tests put a fake world.
///
/// Errors: unavailable (name not found, refused, reset; code says which: "NameNotFound",
/// "ConnectionRefused", "ConnectionReset", "TlsVerificationFailed"...), timeout ("ConnectTimeout",
/// "ResponseTimeout"), protocol (the answer is not HTTP, or too large). The message names host and
/// port, never headers or query. Any HTTP status is a Response, not an Error. Redirects are not
/// followed.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  virtual Task<Result<Response>> send(ClientRequest request) = 0;
};

struct PoolOptions {
  std::size_t connections_per_host_max =
      64;  ///< further requests wait for one, within their timeout
  std::size_t idle_per_host_max = 64;
  std::chrono::seconds idle_timeout{50};  ///< below usual servers' own
  std::size_t header_bytes_max = 64 * 1024;
  std::size_t body_bytes_max = 8 * 1024 * 1024;
  /// "http://host:port" to send through (CONNECT for https, absolute form for http); empty for
  /// none.
  std::string https_proxy{};
  std::string http_proxy{};
  /// As NO_PROXY: comma-separated hosts, ".suffix", "*", IP addresses, "host:port".
  std::string no_proxy{};
};

/// The real client: pooled keep-alive connections, one pool per host, on one executor. Names under
/// "localhost" resolve to loopback without asking anybody (RFC 6761 section 6.3).
class PooledClient final : public HttpClient {
 public:
  PooledClient(Executor executor, TlsClientContext tls, Clock& clock, PoolOptions options = {});
  ~PooledClient() override;
  Task<Result<Response>> send(ClientRequest request) override;
  /// Closes idle connections; running requests end on their own.
  void close_idle();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace latchkey::http
