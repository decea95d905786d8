#include "http/proxy_rules.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace latchkey::http {
namespace {

tl::unexpected<Error> refuse(std::string_view why) {
  return fail(ErrorKind::invalid_argument, "InvalidProxy",
              "the proxy's address cannot be used: " + std::string(why) +
                  "; write it as http://host:port or http://user:password@host:port");
}

std::optional<Result<Proxy>> optional_proxy(std::string_view text) {
  text = trim(text);
  if (text.empty()) return std::nullopt;
  return parse_proxy(text);
}

std::string_view without_trailing_dot(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

/// "example.com" covers itself and all below it, as curl has it.
bool covers(std::string_view rule, std::string_view host) {
  if (!host.ends_with(rule)) return false;
  return host.size() == rule.size() || host[host.size() - rule.size() - 1] == '.';
}

}  // namespace

Result<Proxy> parse_proxy(std::string_view text) {
  if (istarts_with(text, "https://")) return refuse("TLS to the proxy itself is not supported");
  std::string_view rest = text;
  if (istarts_with(rest, "http://")) rest.remove_prefix(7);
  if (rest.find("://") != std::string_view::npos) return refuse("only http proxies are supported");

  Proxy proxy;
  // The last '@': an unencoded one in the password is common, and curl takes it so too.
  const auto at = rest.substr(0, rest.find('/')).rfind('@');
  if (at != std::string_view::npos) {
    const auto user = percent_decode(rest.substr(0, at));
    if (!user) return refuse("its user or password has a broken percent-encoding");
    proxy.authorization = Secret("Basic " + to_base64(*user));
    rest.remove_prefix(at + 1);
  }
  const auto url = parse_url("http://" + std::string(rest));
  if (!url) return refuse("it does not name a host and a port");
  proxy.host = url->host;
  proxy.port = url->port;
  return proxy;
}

ProxyRules::ProxyRules(std::string_view https_proxy, std::string_view http_proxy,
                       std::string_view no_proxy)
    : https_(optional_proxy(https_proxy)), http_(optional_proxy(http_proxy)) {
  std::string spaced(no_proxy);
  std::ranges::replace(spaced, ' ', ',');  // curl takes both.
  for (std::string_view entry : split(spaced, ',')) {
    entry = trim(entry);
    Exception exception;
    // One colon parts host and port; more than one without brackets is an IPv6 address.
    const bool has_port =
        entry.find("]:") != std::string_view::npos || std::ranges::count(entry, ':') == 1;
    if (has_port) {
      const auto colon = entry.rfind(':');
      exception.port = parse_integer<std::uint16_t>(entry.substr(colon + 1));
      if (!exception.port) continue;  // No request can match it.
      entry = entry.substr(0, colon);
    }
    if (entry.starts_with('[') && entry.ends_with(']')) entry = entry.substr(1, entry.size() - 2);
    if (entry.starts_with('.')) entry.remove_prefix(1);
    exception.host = to_lower(without_trailing_dot(entry));
    if (!exception.host.empty()) exceptions_.push_back(std::move(exception));
  }
}

Result<const Proxy*> ProxyRules::proxy_for(const Url& url) const {
  const auto& proxy = url.is_https() ? https_ : http_;
  if (!proxy || is_excepted(url)) return nullptr;
  if (!*proxy) return fail(proxy->error());
  return &**proxy;
}

bool ProxyRules::is_excepted(const Url& url) const {
  const std::string_view host = without_trailing_dot(url.host);
  return std::ranges::any_of(exceptions_, [&](const Exception& exception) {
    if (exception.port && *exception.port != url.port) return false;
    return exception.host == "*" || covers(exception.host, host);
  });
}

}  // namespace latchkey::http
