#include "http/message.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace latchkey::http {
namespace {

// In the order of the enumeration; `other` has no name of its own.
constexpr std::array<std::string_view, 9> kMethodNames = {
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"};

struct Phrase {
  int status;
  std::string_view text;
};

// RFC 9110 section 15, with those of RFC 6585 that we send or meet.
constexpr auto kPhrases = std::to_array<Phrase>({
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
    {511, "Network Authentication Required"},
});

std::optional<std::string> decode(std::string_view text) {
  if (text.find('%') == std::string_view::npos) return std::string(text);
  return percent_decode(text);
}

// Lengths first and inline: most names differ in theirs.
bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && iequals(a, b);
}

bool lies_within(std::string_view part, const std::string& whole) {
  // std::less orders pointers of different objects too, where '<' is not defined.
  const std::less<> less;
  return !less(part.data(), whole.data()) && !less(whole.data() + whole.size(), part.data());
}

Response ready_response(int status, std::string_view content_type, std::string body) {
  Response response;
  response.status = status;
  response.headers.add("Content-Type", content_type);
  response.body = std::move(body);
  return response;
}

}  // namespace

std::string_view to_string(Method method) {
  const auto index = static_cast<std::size_t>(method);
  return index < kMethodNames.size() ? kMethodNames[index] : std::string_view{};
}

Method method_from(std::string_view name) {
  const auto* found = std::find(kMethodNames.begin(), kMethodNames.end(), name);
  return static_cast<Method>(found - kMethodNames.begin());
}

bool is_idempotent(Method method) {
  switch (method) {
    case Method::get:
    case Method::head:
    case Method::put:
    case Method::delete_:
    case Method::options:
    case Method::trace:
      return true;
    case Method::post:
    case Method::patch:
    case Method::connect:
    case Method::other:
      return false;
  }
  return false;
}

Headers::Headers(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  for (const auto& [name, value] : fields) add(name, value);
}

void Headers::add(std::string_view name, std::string_view value) {
  // A view into our own buffer would dangle when that grows.
  if (lies_within(name, text_) || lies_within(value, text_)) {
    const std::string own_name(name);
    const std::string own_value(value);
    text_.reserve(text_.size() + own_name.size() + own_value.size());
    add(own_name, own_value);
    return;
  }
  places_.push_back({.start = static_cast<std::uint32_t>(text_.size()),
                     .name_size = static_cast<std::uint32_t>(name.size()),
                     .value_size = static_cast<std::uint32_t>(value.size())});
  text_.append(name);
  text_.append(value);
}

void Headers::set(std::string_view name, std::string_view value) {
  const auto kept = std::find_if(places_.begin(), places_.end(), [&](const Place& place) {
    return same_name(std::string_view(text_).substr(place.start, place.name_size), name);
  });
  if (kept == places_.end()) {
    add(name, value);
    return;
  }
  // The new field takes the place of the first old one in the order.
  const auto index = kept - places_.begin();
  add(name, value);
  const Place added = places_.back();
  places_.pop_back();
  const std::string_view text = text_;
  const std::string_view added_name = text.substr(added.start, added.name_size);
  std::erase_if(places_, [&](const Place& place) {
    return same_name(text.substr(place.start, place.name_size), added_name);
  });
  places_.insert(places_.begin() + index, added);
}

void Headers::remove(std::string_view name) {
  const std::string_view text = text_;
  std::erase_if(places_, [&](const Place& place) {
    return same_name(text.substr(place.start, place.name_size), name);
  });
}

void Headers::clear() {
  text_.clear();
  places_.clear();
}

std::optional<std::string_view> Headers::find(std::string_view name) const {
  const std::string_view text = text_;
  for (const Place& place : places_) {
    if (same_name(text.substr(place.start, place.name_size), name)) {
      return text.substr(place.start + place.name_size, place.value_size);
    }
  }
  return std::nullopt;
}

std::size_t Headers::count(std::string_view name) const {
  const std::string_view text = text_;
  return static_cast<std::size_t>(
      std::count_if(places_.begin(), places_.end(), [&](const Place& place) {
        return same_name(text.substr(place.start, place.name_size), name);
      }));
}

Headers::Field Headers::at(std::size_t index) const {
  const Place& place = places_.at(index);
  const std::string_view text = text_;
  return {.name = text.substr(place.start, place.name_size),
          .value = text.substr(place.start + place.name_size, place.value_size)};
}

Headers::Iterator Headers::begin() const {
  return {this, 0};
}

Headers::Iterator Headers::end() const {
  return {this, places_.size()};
}

const std::string* find_parameter(const Query& query, std::string_view key) {
  for (const QueryParameter& parameter : query) {
    if (same_name(parameter.key, key)) return &parameter.value;
  }
  return nullptr;
}

std::optional<Query> parse_query(std::string_view text) {
  Query query;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view piece = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (piece.empty()) continue;
    const std::size_t equals = std::min(piece.find('='), piece.size());
    auto key = decode(piece.substr(0, equals));
    auto value = decode(piece.substr(std::min(equals + 1, piece.size())));
    if (!key || !value) return std::nullopt;
    query.push_back({.key = std::move(*key), .value = std::move(*value)});
  }
  return query;
}

std::string_view Request::path() const {
  const std::string_view text = target;
  return text.substr(0, text.find('?'));
}

bool Request::has_length() const {
  return headers.contains("Content-Length") || headers.contains("Transfer-Encoding");
}

std::string_view Request::query_text() const {
  const std::string_view text = target;
  const std::size_t mark = text.find('?');
  return mark == std::string_view::npos ? std::string_view{} : text.substr(mark + 1);
}

std::string_view reason_phrase(int status) {
  for (const Phrase& phrase : kPhrases) {
    if (phrase.status == status) return phrase.text;
  }
  return "Unknown";
}

Response text_response(int status, std::string body) {
  return ready_response(status, "text/plain; charset=utf-8", std::move(body));
}

Response json_response(int status, std::string body) {
  return ready_response(status, "application/json", std::move(body));
}

}  // namespace latchkey::http
