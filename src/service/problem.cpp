#include "service/problem.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

namespace latchkey::service {

http::Response problem_response(const Problem& problem) {
  boost::json::object body;
  body["type"] = fmt::format("urn:latchkey:problem:{}", problem.name);
  body["title"] = problem.title;
  body["status"] = problem.status;
  body["detail"] = problem.detail;
  if (problem.accepted) body["accepted"] = *problem.accepted;
  http::Response response;
  response.status = problem.status;
  response.headers.set("Content-Type", "application/problem+json");
  response.headers.set("Cache-Control", "no-store");
  if (problem.retry_after) {
    response.headers.set("Retry-After", std::to_string(problem.retry_after->count()));
  }
  response.body = boost::json::serialize(body);
  return response;
}

tl::unexpected<http::Response> problem_instead(const Problem& problem) {
  return tl::unexpected<http::Response>(problem_response(problem));
}

http::Response table_unavailable(std::string detail) {
  return problem_response({.status = 503,
                           .name = "table-unavailable",
                           .title = "The code table does not answer",
                           .detail = std::move(detail),
                           .retry_after = std::chrono::seconds{1}});
}

http::Response router_refusal(const http::Request& /*request*/, int status) {
  switch (status) {
    case 404:
      return problem_response({.status = 404,
                               .name = "no-such-path",
                               .title = "No such path",
                               .detail = "GET /openapi.json describes the paths that there are."});
    case 405:
      return problem_response(
          {.status = 405,
           .name = "method-not-allowed",
           .title = "Method not allowed",
           .detail =
               "This path does not answer this method; the Allow header names those it does."});
    case 501:
      return problem_response({.status = 501,
                               .name = "unknown-method",
                               .title = "Unknown method",
                               .detail = "This server does not know the request's method."});
    default:
      return problem_response({.status = status,
                               .name = "bad-request",
                               .title = "Bad request",
                               .detail = "The request's path or query is not well formed."});
  }
}

}  // namespace latchkey::service
