#include "service/code_routes.hpp"

#include <boost/json.hpp>

#include "base/log.hpp"
#include "base/time_text.hpp"
#include "base/tracer.hpp"
#include "service/problem.hpp"
#include "service/request_bodies.hpp"

namespace latchkey::service {
namespace {

using Revoked = codes::CodeDirectory::Revoked;

http::Response json(const boost::json::object& body) {
  auto response = http::json_response(200, boost::json::serialize(body));
  response.headers.set("Cache-Control", "no-store");
  return response;
}

http::Response no_such_code() {
  return problem_response({.status = 404,
                           .name = "no-such-code",
                           .title = "No such code",
                           .detail = "No code has this id, or it is over and forgotten."});
}

http::Response failed(const Error& error, const http::Match& match) {
  log::error("directory_failed", {{"kind", to_string(error.kind)},
                                  {"problem", error.message},
                                  {"request_id", match.request_id},
                                  {"trace_id", trace_id_text(match.trace)}});
  return table_unavailable("Try again shortly.");
}

}  // namespace

CodeRoutes::CodeRoutes(codes::CodeDirectory& directory, Gatekeeper& gatekeeper)
    : directory_(directory), gatekeeper_(gatekeeper) {}

void CodeRoutes::add_to(http::Router& router) {
  using http::Match;
  using http::Method;
  using http::Request;
  router.add(Method::get, "/api/v1/codes/{id}",
             [this](const Request& request, const Match& match) { return look(request, match); });
  router.add(Method::post, "/api/v1/codes/{id}/revoke",
             [this](const Request& request, const Match& match) { return revoke(request, match); });
  router.add(Method::post, "/api/v1/codes/revoke",
             [this](const Request& request, const Match& match) {
               return revoke_subject(request, match);
             });
}

Task<http::Response> CodeRoutes::look(const http::Request& request, const http::Match& match) {
  const auto caller = co_await gatekeeper_.admit(request, Role::admin);
  if (!caller) co_return caller.error();
  const auto view = co_await directory_.look(match.parameters.front(), match.trace);
  if (!view) co_return failed(view.error(), match);
  if (!*view) co_return no_such_code();
  const codes::CodeDirectory::View& code = **view;
  const boost::json::object body = {{"id", code.id},
                                    {"state", codes::to_string(code.standing)},
                                    {"subject", code.binding.subject},
                                    {"purpose", code.binding.purpose},
                                    {"timestamp", to_python_utc(code.issued)},
                                    {"expires", to_python_utc(code.expires)}};
  co_return json(body);
}

Task<http::Response> CodeRoutes::revoke(const http::Request& request, const http::Match& match) {
  const auto caller = co_await gatekeeper_.admit(request, Role::admin);
  if (!caller) co_return caller.error();
  const auto revoked =
      co_await directory_.revoke(match.parameters.front(), caller->name, match.trace);
  if (!revoked) co_return failed(revoked.error(), match);
  if (*revoked == Revoked::unknown) co_return no_such_code();
  if (*revoked == Revoked::used) {
    co_return problem_response({.status = 409,
                                .name = "code-already-used",
                                .title = "Code already used",
                                .detail = "The code has been used; there is nothing to revoke."});
  }
  const boost::json::object body = {{"id", match.parameters.front()}, {"state", "revoked"}};
  co_return json(body);
}

Task<http::Response> CodeRoutes::revoke_subject(const http::Request& request,
                                                const http::Match& match) {
  const auto caller = co_await gatekeeper_.admit(request, Role::admin);
  if (!caller) co_return caller.error();
  auto body = parse_revoke_body(request);
  if (!body) co_return std::move(body.error());
  const auto count = co_await directory_.revoke_subject(
      std::move(body->subject), std::move(body->purpose), caller->name, match.trace);
  if (!count) co_return failed(count.error(), match);
  const boost::json::object answer = {{"revoked", *count}};
  co_return json(answer);
}

}  // namespace latchkey::service
