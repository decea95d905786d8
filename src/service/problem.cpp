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
  response.body = boost::json::serialize(body);
  return response;
}

http::Response router_refusal(const http::Request& request, int status) {
  switch (status) {
    case 404:
      return problem_response({.status = 404,
                               .name = "no-such-path",
                               .title = "No such path",
                               .detail = "The API has /api/v1/getcode and /api/v1/verify.",
                               .accepted = {}});
    case 405:
      return problem_response(
          {.status = 405,
           .name = "method-not-allowed",
           .title = "Method not allowed",
           .detail = "This path does not answer this method; the Allow header names those it does.",
           .accepted = {}});
    case 501:
      return problem_response({.status = 501,
                               .name = "unknown-method",
                               .title = "Unknown method",
                               .detail = "This server does not know the request's method.",
                               .accepted = {}});
    default:
      (void)request;
      return problem_response({.status = status,
                               .name = "bad-request",
                               .title = "Bad request",
                               .detail = "The request's path or query is not well formed.",
                               .accepted = {}});
  }
}

}  // namespace latchkey::service
