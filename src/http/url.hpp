#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace latchkey::http {

/// An absolute http or https address, taken apart. Nothing is decoded: what was written is sent.
struct Url {
  std::string scheme;  ///< "http" or "https", lower case
  std::string host;    ///< lower case, without brackets for IPv6
  std::uint16_t port = 0;
  std::string path;   ///< begins with '/'; "/" when there was none
  std::string query;  ///< behind the '?', without it

  bool is_https() const { return scheme == "https"; }
  /// "host:port", the port only where it is not the scheme's own; IPv6 in brackets. For `Host`.
  std::string authority() const;
  /// "scheme://authority".
  std::string origin() const;
  /// Path and query as a request target.
  std::string target() const;
  std::string to_string() const { return origin() + target(); }
  /// A copy with another path (and its query dropped).
  Url with_path(std::string new_path) const;
  /// Appends "key=value" to the query, both percent-encoded.
  void add_parameter(std::string_view key, std::string_view value);
};

/// Error: invalid_argument, with what is wrong with `text`; user names and fragments are refused.
Result<Url> parse_url(std::string_view text);

/// True for localhost, *.localhost, 127.0.0.0/8 and ::1.
bool is_loopback_host(std::string_view host);

}  // namespace latchkey::http
