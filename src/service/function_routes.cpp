#include "service/function_routes.hpp"

#include "base/log.hpp"
#include "service/function_invocation.hpp"
#include "service/issue_routes.hpp"
#include "service/problem.hpp"

namespace latchkey::service {
namespace {

/// To the host this is a failure of the function.
http::Response bad_invocation(const Error& error) {
  log::error("bad_invocation", {{"problem", error.message}});
  return problem_response({.status = 400,
                           .name = "bad-invocation",
                           .title = "Not what a functions host sends",
                           .detail = error.message});
}

}  // namespace

void FunctionRoutes::add_to(http::Router& router) {
  using http::Match;
  using http::Request;
  router.add(http::Method::post, "/getcode", [this](const Request& request, const Match& match) {
    return get_code(request, match);
  });
  router.add(http::Method::post, "/watch",
             [this](const Request& request, const Match&) { return watch(request); });
}

Task<http::Response> FunctionRoutes::get_code(const http::Request& invocation,
                                              const http::Match& match) {
  auto request = read_http_trigger(invocation.body);
  if (!request) co_return bad_invocation(request.error());
  request->peer_address = invocation.peer_address;
  auto caller = co_await with_.gatekeeper.admit(*request, Role::issue);
  if (!caller) co_return http::json_response(200, render_outputs(caller.error(), {}));
  codes::IssueRequest wanted{.caller = std::move(caller->name), .trace = match.trace};
  const auto issued = co_await with_.issuer.issue_unannounced(std::move(wanted));
  const auto answer = answer_for_getcode(issued, match);
  std::optional<codes::IssuedCode> announced;
  if (issued) announced = *issued;
  co_return http::json_response(200, render_outputs(answer, announced));
}

Task<http::Response> FunctionRoutes::watch(const http::Request& invocation) {
  auto message = read_queue_trigger(invocation.body);
  if (!message) co_return bad_invocation(message.error());
  const bool done = co_await with_.watcher.visit(std::move(*message));
  if (done) co_return http::json_response(200, render_done());
  co_return problem_response({.status = 503,
                              .name = "visit-failed",
                              .title = "The message has to come again",
                              .detail = "The log says what failed."});
}

}  // namespace latchkey::service
