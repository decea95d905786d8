#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "http/url.hpp"

/// Which proxy a request goes through: the rules of HTTPS_PROXY, HTTP_PROXY and NO_PROXY as curl
/// reads them. Pure.
namespace latchkey::http {

struct Proxy {
  std::string host;
  std::uint16_t port = 0;
  /// "Basic ..." for Proxy-Authorization; empty when the proxy's address names no user.
  Secret authorization;

  std::string shown() const { return host + ":" + std::to_string(port); }
};

/// "http://[user:password@]host[:port]" or "host:port". Error: invalid_argument, which never
/// repeats what may be a password; TLS to the proxy itself ("https://...") is not supported.
Result<Proxy> parse_proxy(std::string_view text);

class ProxyRules {
 public:
  /// Empty texts mean no proxy for that scheme.
  ProxyRules(std::string_view https_proxy, std::string_view http_proxy, std::string_view no_proxy);

  /// The proxy for `url`, or nullptr to connect directly; holds as long as these rules. Error:
  /// invalid_argument when the proxy that would be needed has an unusable address.
  Result<const Proxy*> proxy_for(const Url& url) const;

 private:
  struct Exception {
    std::string host;  ///< lower case, no leading dot; "*" for all
    std::optional<std::uint16_t> port;
  };
  bool is_excepted(const Url& url) const;

  std::optional<Result<Proxy>> https_;
  std::optional<Result<Proxy>> http_;
  std::vector<Exception> exceptions_;
};

}  // namespace latchkey::http
