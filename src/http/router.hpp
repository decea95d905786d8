#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.hpp"
#include "base/trace.hpp"
#include "http/message.hpp"

namespace latchkey::http {

/// Answers one request. `request` lives until the task has ended.
using Handler = std::function<Task<Response>(const Request& request)>;

/// What a route's pattern caught, percent-decoded, and the decoded query; and what the router's
/// surroundings (Router::around) say of this request.
struct Match {
  std::vector<std::string> parameters;  ///< in the pattern's order
  Query query;
  std::string_view route{};  ///< the pattern, as it was added; empty where no route answers
  /// Of this request; what it asks of others belongs to the same trace. Unset without surroundings.
  Trace trace{};
  std::string request_id{};
};
using RouteHandler = std::function<Task<Response>(const Request& request, const Match& match)>;
/// Gives the answer of `route` for `match`, with something done before and behind it. What it is
/// given lives until the task has ended.
using Around =
    std::function<Task<Response>(const Request& request, Match& match, const RouteHandler& route)>;

/// Finds the handler for a method and path. The path is split at '/' before anything is decoded,
/// so "%2F" stays inside its segment.
///
/// Pattern: "/secrets/{name}/{version}"; "{name}" takes one segment, which may be empty at the
/// end ("/secrets/n/"); "{rest*}" at the end takes all that is left. A pattern without a trailing
/// slash also answers the path with one (MSAL for JavaScript adds it). Where several patterns fit a
/// path, segment by segment plain text goes before the pattern's end, that before "{name}" and that
/// before "{rest*}", whatever the order of `add`; a pattern that lacks the method steps aside.
/// Paths compare with case. A target in absolute form ("http://host/a") is routed by its path.
///
/// Unknown path: 404; known path, other method: 405 with Allow; malformed percent-encoding: 400;
/// a method nobody knows: 501. HEAD is not answered by a GET route unless it is added as well.
class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  /// A malformed pattern, or the same method and pattern twice, is a defect (asserted).
  void add(Method method, std::string_view pattern, RouteHandler handler);
  /// Shapes the router's own refusals (status 400, 404, 405, 501), for services with error bodies.
  void on_refusal(std::function<Response(const Request& request, int status)> shape);
  /// Stands around every route and the router's own refusals.
  void around(Around around);
  Task<Response> route(const Request& request) const;
  /// This router as a Handler; the router must outlive it.
  Handler handler() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace latchkey::http
