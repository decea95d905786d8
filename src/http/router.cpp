#include "http/router.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/assert.hpp"
#include "base/encoding.hpp"

namespace latchkey::http {
namespace {

constexpr std::size_t kMethods = static_cast<std::size_t>(Method::other) + 1;

// The order is the order of precedence; `end` stands for "the pattern ends here" in comparisons.
enum class Kind : std::uint8_t { text, end, parameter, rest };

struct Segment {
  Kind kind = Kind::text;
  std::string text;
};
using Pattern = std::vector<Segment>;

struct Route {
  std::string text;  // as it was added
  Pattern pattern;
  std::array<RouteHandler, kMethods> handlers;
};

Segment parse_segment(std::string_view text) {
  if (!text.starts_with('{')) return {.kind = Kind::text, .text = std::string(text)};
  LK_ASSERT(text.ends_with('}') && text.size() > 2);
  return {.kind = text.ends_with("*}") ? Kind::rest : Kind::parameter, .text = {}};
}

Pattern parse_pattern(std::string_view text) {
  LK_ASSERT(text.starts_with('/'));
  Pattern pattern;
  while (!text.empty()) {
    text.remove_prefix(1);
    const std::size_t end = std::min(text.find('/'), text.size());
    LK_ASSERT(pattern.empty() || pattern.back().kind != Kind::rest);
    pattern.push_back(parse_segment(text.substr(0, end)));
    text.remove_prefix(end);
  }
  return pattern;
}

// Negative, zero or positive as `a` goes before, equals or goes behind `b`.
int compare(const Pattern& a, const Pattern& b) {
  static const Segment kEnd{.kind = Kind::end, .text = {}};
  for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    const Segment& left = i < a.size() ? a[i] : kEnd;
    const Segment& right = i < b.size() ? b[i] : kEnd;
    if (left.kind != right.kind) return left.kind < right.kind ? -1 : 1;
    if (const int order = left.text.compare(right.text); order != 0) return order;
  }
  return 0;
}

// The caller has checked that the whole path decodes.
std::string decode(std::string_view text) {
  if (text.find('%') == std::string_view::npos) return std::string(text);
  return percent_decode(text).value_or(std::string{});
}

bool text_fits(const std::string& expected, std::string_view piece) {
  if (piece == expected) return true;
  return piece.find('%') != std::string_view::npos && decode(piece) == expected;
}

/// `path` begins with '/'. With `parameters` what the pattern catches is appended there.
bool fits(const Pattern& pattern, std::string_view path, std::vector<std::string>* parameters) {
  std::string_view left = path.substr(1);
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const Segment& segment = pattern[i];
    if (segment.kind == Kind::rest) {
      if (parameters != nullptr) parameters->push_back(decode(left));
      return true;
    }
    const bool last_of_pattern = i + 1 == pattern.size();
    const std::size_t end = left.find('/');
    const bool last_of_path = end == std::string_view::npos;
    const std::string_view piece = left.substr(0, end);
    if (segment.kind == Kind::text && !text_fits(segment.text, piece)) return false;
    if (segment.kind == Kind::parameter) {
      if (piece.empty() && !(last_of_pattern && last_of_path)) return false;
      if (parameters != nullptr) parameters->push_back(decode(piece));
    }
    if (last_of_pattern) {
      return last_of_path || (end + 1 == left.size() && !piece.empty());
    }
    if (last_of_path) return false;
    left.remove_prefix(end + 1);
  }
  return false;
}

/// The path of a target in origin or absolute form (RFC 9112 section 3.2); "" for all others.
std::string_view path_of(const Request& request) {
  std::string_view path = request.path();
  if (path.starts_with('/')) return path;
  const std::size_t scheme_end = path.find("://");
  if (scheme_end == std::string_view::npos) return {};
  path.remove_prefix(scheme_end + 3);
  const std::size_t slash = path.find('/');
  return slash == std::string_view::npos ? "/" : path.substr(slash);
}

bool is_malformed(std::string_view path) {
  return path.find('%') != std::string_view::npos && !percent_decode(path);
}

Response plain_refusal(const Request& /*request*/, int status) {
  return text_response(status, std::string(reason_phrase(status)));
}

}  // namespace

struct Router::Impl {
  std::vector<Route> routes;  // in the order of `compare`
  std::function<Response(const Request&, int)> refusal = plain_refusal;
  // Answers what no route does.
  RouteHandler refusing = [this](const Request& request, const Match&) { return refused(request); };
  Around around;

  const Route* find(Method method, std::string_view path) const;
  Response refuse(const Request& request) const;
  Task<Response> refused(const Request& request) const;
  Task<Response> route(const Request& request) const;
};

const Route* Router::Impl::find(Method method, std::string_view path) const {
  for (const Route& route : routes) {
    if (route.handlers[static_cast<std::size_t>(method)] && fits(route.pattern, path, nullptr)) {
      return &route;
    }
  }
  return nullptr;
}

Response Router::Impl::refuse(const Request& request) const {
  const std::string_view path = path_of(request);
  if (is_malformed(path)) return refusal(request, 400);
  if (request.method == Method::other) return refusal(request, 501);
  std::array<bool, kMethods> allowed{};
  for (const Route& route : routes) {
    if (path.empty() || !fits(route.pattern, path, nullptr)) continue;
    for (std::size_t i = 0; i < kMethods; ++i) allowed[i] = allowed[i] || route.handlers[i];
  }
  // A route there is: it is the query that does not decode.
  if (allowed[static_cast<std::size_t>(request.method)]) return refusal(request, 400);
  std::string allow;
  for (std::size_t i = 0; i + 1 < kMethods; ++i) {
    if (!allowed[i]) continue;
    if (!allow.empty()) allow += ", ";
    allow += to_string(static_cast<Method>(i));
  }
  if (allow.empty()) return refusal(request, 404);
  Response response = refusal(request, 405);
  response.headers.set("Allow", allow);
  return response;
}

Task<Response> Router::Impl::refused(const Request& request) const {
  co_return refuse(request);
}

Task<Response> Router::Impl::route(const Request& request) const {
  const std::string_view path = path_of(request);
  const bool routable = !path.empty() && !is_malformed(path);
  const Route* found = routable ? find(request.method, path) : nullptr;
  auto query = parse_query(request.query_text());
  const RouteHandler* handler = &refusing;
  Match match;
  if (found != nullptr && query) {
    handler = &found->handlers[static_cast<std::size_t>(request.method)];
    match.route = found->text;
    match.query = std::move(*query);
    fits(found->pattern, path, &match.parameters);
  }
  if (around) co_return co_await around(request, match, *handler);
  co_return co_await (*handler)(request, match);
}

Router::Router() : impl_(std::make_unique<Impl>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

void Router::add(Method method, std::string_view pattern, RouteHandler handler) {
  Pattern parsed = parse_pattern(pattern);
  auto& routes = impl_->routes;
  auto place = std::lower_bound(
      routes.begin(), routes.end(), parsed,
      [](const Route& route, const auto& p) { return compare(route.pattern, p) < 0; });
  if (place == routes.end() || compare(place->pattern, parsed) != 0) {
    place = routes.insert(
        place, Route{.text = std::string(pattern), .pattern = std::move(parsed), .handlers = {}});
  }
  RouteHandler& slot = place->handlers[static_cast<std::size_t>(method)];
  LK_ASSERT(handler && !slot);
  slot = std::move(handler);
}

void Router::on_refusal(std::function<Response(const Request& request, int status)> shape) {
  impl_->refusal = std::move(shape);
}

void Router::around(Around around) {
  impl_->around = std::move(around);
}

Task<Response> Router::route(const Request& request) const {
  return impl_->route(request);
}

Handler Router::handler() const {
  // The state, not `this`: the Router may be moved meanwhile.
  return [state = impl_.get()](const Request& request) { return state->route(request); };
}

}  // namespace latchkey::http
