#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// HTTP messages as values: what server, client, signatures and tests share. No sockets here.
namespace latchkey::http {

enum class Method : std::uint8_t {
  get,
  head,
  post,
  put,
  patch,
  delete_,
  options,
  connect,
  trace,
  other
};

/// "GET"; `other` gives "".
std::string_view to_string(Method method);
/// Case-sensitive, as RFC 9110 section 9.1 has it; unknown names give `other`.
Method method_from(std::string_view name);
/// Safe to send again when the connection broke before an answer (RFC 9110 section 9.2.2).
bool is_idempotent(Method method);

/// Header fields in the order in which they came. Names compare without case. All text lies in one
/// buffer, so that a connection reuses it for request after request without allocating.
class Headers {
 public:
  struct Field {
    std::string_view name;
    std::string_view value;
  };
  class Iterator;

  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string_view, std::string_view>> fields);

  void add(std::string_view name, std::string_view value);
  /// Replaces all fields of that name by one.
  void set(std::string_view name, std::string_view value);
  void remove(std::string_view name);
  void clear();

  /// The first field of that name. The view holds until the next change of this object.
  std::optional<std::string_view> find(std::string_view name) const;
  bool contains(std::string_view name) const { return find(name).has_value(); }
  std::size_t count(std::string_view name) const;
  std::size_t size() const { return places_.size(); }
  Field at(std::size_t index) const;

  Iterator begin() const;
  Iterator end() const;

 private:
  struct Place {
    std::uint32_t start;
    std::uint32_t name_size;
    std::uint32_t value_size;
  };
  std::string text_;
  std::vector<Place> places_;
};

class Headers::Iterator {
 public:
  Iterator(const Headers* headers, std::size_t index) : headers_(headers), index_(index) {}
  Field operator*() const { return headers_->at(index_); }
  Iterator& operator++() {
    ++index_;
    return *this;
  }
  friend bool operator==(const Iterator& a, const Iterator& b) { return a.index_ == b.index_; }

 private:
  const Headers* headers_;
  std::size_t index_;
};

/// The decoded query parameters in their order. Keys and values are percent-decoded ('+' is a blank
/// in neither: Azure's SDKs write %20 and leave '+' for itself in signatures they encode).
struct QueryParameter {
  std::string key;
  std::string value;
};
using Query = std::vector<QueryParameter>;

/// The first value of `key`, compared without case as Azure does; nullptr when absent.
const std::string* find_parameter(const Query& query, std::string_view key);
/// Nullopt for malformed percent-encoding. `text` is what stands behind the '?'.
std::optional<Query> parse_query(std::string_view text);

struct Request {
  Method method = Method::get;
  /// The method's own name; differs from to_string(method) for `other` only.
  std::string method_name;
  /// As received: origin form ("/a/b?c=d"), absolute form on a proxy, authority form for CONNECT.
  std::string target;
  Headers headers;
  std::string body;
  /// Facts of the connection it came on.
  bool over_tls = false;
  std::string peer_address;  ///< "127.0.0.1"; no port

  /// `target` up to the '?', still percent-encoded.
  std::string_view path() const;
  /// True when the head says how long the body is (Content-Length or a transfer coding). Without it
  /// there is none (RFC 9112 section 6.3), and a server may insist with 411.
  bool has_length() const;
  /// `target` behind the '?', still percent-encoded; empty when there is none.
  std::string_view query_text() const;
};

struct Tunnel;

struct Response {
  int status = 200;
  /// Empty means the standard phrase. Azure Storage says its error message here.
  std::string reason;
  Headers headers;
  std::string body;
  /// Send with Transfer-Encoding: chunked instead of Content-Length.
  bool chunked = false;
  /// Answers CONNECT: 200 without a body, and what is said on the connection from there on.
  std::shared_ptr<const Tunnel> tunnel{};
};

/// The standard phrase: 404 gives "Not Found"; unknown codes give "Unknown".
std::string_view reason_phrase(int status);

/// Ready-made answers.
Response text_response(int status, std::string body);
Response json_response(int status, std::string body);

}  // namespace latchkey::http
