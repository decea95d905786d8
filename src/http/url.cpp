#include "http/url.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace latchkey::http {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

bool is_visible_ascii(char c) {
  return c > ' ' && c < '\x7f';
}

/// What of the address may be repeated: a query may carry a signature, and whatever stands before
/// an '@' may be a password.
std::string shown(std::string_view text) {
  if (text.find('@') != std::string_view::npos) return "the address";
  std::string out = "the address \"";
  for (const char c : text.substr(0, std::min(text.find('?'), text.find('#')))) {
    out += is_visible_ascii(c) ? c : '?';
  }
  return out + '"';
}

tl::unexpected<Error> refuse(std::string_view text, std::string_view why) {
  return fail(ErrorKind::invalid_argument, "InvalidUrl",
              shown(text) + " cannot be used: " + std::string(why));
}

/// Takes "host", "host:port", "[v6]" or "[v6]:port" apart. Gives what is wrong, or nullptr.
const char* take_authority(std::string_view authority, Url& url) {
  std::string_view host = authority;
  std::string_view port;
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) return "the bracket around the IPv6 address is not closed";
    host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address_v6(host, error);
    if (error || address.scope_id() != 0) return "an IPv6 address belongs between the brackets";
    if (!port.empty() && !port.starts_with(':')) return "a port belongs behind the bracket";
  } else {
    const auto colon = authority.find(':');
    host = authority.substr(0, colon);
    if (colon != std::string_view::npos) port = authority.substr(colon);
  }
  url.host = to_lower(host);
  if (url.host.empty()) return "the host is missing";
  if (!authority.starts_with('[') && !std::ranges::all_of(url.host, is_host_character)) {
    return "the host has a character that no host name has";
  }
  url.port = url.is_https() ? kHttpsPort : kHttpPort;
  if (port.size() > 1) {
    const auto number = parse_integer<std::uint16_t>(port.substr(1));
    if (!number || *number == 0) return "the port must be a number from 1 to 65535";
    url.port = *number;
  }
  return nullptr;
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  Url url;
  if (istarts_with(text, "https://")) {
    url.scheme = "https";
  } else if (istarts_with(text, "http://")) {
    url.scheme = "http";
  } else {
    return refuse(text, "it must begin with http:// or https://");
  }
  if (!std::ranges::all_of(text, is_visible_ascii)) {
    return refuse(text, "blanks, control and non-ASCII characters must be percent-encoded");
  }
  std::string_view rest = text.substr(url.scheme.size() + 3);
  if (rest.find('#') != std::string_view::npos) {
    return refuse(text, "a fragment ('#') is not sent to servers; leave it out");
  }
  const auto authority = rest.substr(0, rest.find_first_of("/?"));
  if (authority.find('@') != std::string_view::npos) {
    return refuse(text, "a user name or password in an address is not supported");
  }
  if (const char* problem = take_authority(authority, url)) return refuse(text, problem);

  rest.remove_prefix(authority.size());
  const auto question = rest.find('?');
  url.path = rest.substr(0, question);
  if (url.path.empty()) url.path = "/";
  if (question != std::string_view::npos) url.query = rest.substr(question + 1);
  return url;
}

std::string Url::authority() const {
  std::string out;
  const bool is_v6 = host.find(':') != std::string::npos;
  if (is_v6) out += '[';
  out += host;
  if (is_v6) out += ']';
  if (port != (is_https() ? kHttpsPort : kHttpPort)) {
    out += ':';
    out += std::to_string(port);
  }
  return out;
}

std::string Url::origin() const {
  return scheme + "://" + authority();
}

std::string Url::target() const {
  std::string out = path.empty() ? "/" : path;
  if (!query.empty()) {
    out += '?';
    out += query;
  }
  return out;
}

Url Url::with_path(std::string new_path) const {
  Url copy = *this;
  copy.path = std::move(new_path);
  copy.query.clear();
  return copy;
}

void Url::add_parameter(std::string_view key, std::string_view value) {
  if (!query.empty()) query += '&';
  query += percent_encode(key);
  query += '=';
  query += percent_encode(value);
}

bool is_loopback_host(std::string_view host) {
  std::string name = to_lower(host);
  if (name.ends_with('.')) name.pop_back();
  if (name == "localhost" || name.ends_with(".localhost")) return true;
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(name, error);
  return !error && address.is_loopback();
}

}  // namespace latchkey::http
