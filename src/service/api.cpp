#include "service/api.hpp"

#include <fmt/format.h>

#include "base/log.hpp"
#include "base/time_text.hpp"
#include "service/home_page.hpp"
#include "service/problem.hpp"
#include "service/verify_request.hpp"

namespace latchkey::service {
namespace {

http::Response verdict_response(codes::Verdict verdict) {
  switch (verdict) {
    case codes::Verdict::accepted: {
      auto response = http::json_response(200, R"({"accepted":true})");
      response.headers.set("Cache-Control", "no-store");
      return response;
    }
    case codes::Verdict::not_active_yet: {
      auto response = problem_response(
          {.status = 409,
           .name = "code-not-active-yet",
           .title = "Code not active yet",
           .detail =
               "The code was issued a moment ago and is not active yet. Try again in a second.",
           .accepted = false});
      response.headers.set("Retry-After", "1");
      return response;
    }
    case codes::Verdict::refused:
      break;
  }
  // The same for unknown, wrong, expired and used codes: nobody learns which it was.
  return problem_response({.status = 403,
                           .name = "code-refused",
                           .title = "Code refused",
                           .detail = "The code is not valid. Request a new one.",
                           .accepted = false});
}

}  // namespace

Api::Api(codes::Issuer& issuer, codes::Verifier& verifier, Readiness& readiness)
    : issuer_(issuer), verifier_(verifier), readiness_(readiness) {
  using http::Match;
  using http::Method;
  using http::Request;
  using http::Response;
  router_.on_refusal(router_refusal);
  router_.add(Method::get, "/api/v1/getcode",
              [this](const Request& request, const Match&) { return get_code(request); });
  router_.add(Method::post, "/api/v1/verify",
              [this](const Request& request, const Match&) { return verify(request); });
  router_.add(Method::get, "/readyz",
              [this](const Request&, const Match&) { return readiness_.answer(); });
  router_.add(Method::get, "/healthz", [](const Request&, const Match&) -> Task<Response> {
    co_return http::json_response(200, R"({"status":"alive"})");
  });
  router_.add(Method::get, "/",
              [](const Request&, const Match&) -> Task<Response> { co_return home_page(); });
}

Task<http::Response> Api::get_code(const http::Request&) {
  auto issued = co_await issuer_.issue();
  if (!issued) {
    log::warning("issue_failed", {{"kind", to_string(issued.error().kind)},
                                  {"code", issued.error().code},
                                  {"problem", issued.error().message}});
    co_return answer_for_failed_issue(issued.error());
  }
  // Letters, digits and hyphens only: nothing here needs escaping.
  auto response =
      http::json_response(200, fmt::format(R"({{"code":"{}","timestamp":"{}"}})",
                                           issued->code.reveal(), to_python_utc(issued->issued)));
  response.headers.set("Cache-Control", "no-store");
  co_return response;
}

Task<http::Response> Api::verify(const http::Request& request) {
  auto parsed = parse_verify_request(request);
  if (!parsed) co_return parsed.error();
  VerifyRequest wanted = std::move(*parsed);
  auto verdict = co_await verifier_.verify(std::move(wanted.code), std::move(wanted.binding));
  if (!verdict) {
    log::error("verify_failed",
               {{"kind", to_string(verdict.error().kind)}, {"problem", verdict.error().message}});
    auto response =
        problem_response({.status = 503,
                          .name = "table-unavailable",
                          .title = "Codes cannot be checked now",
                          .detail = "The code table does not answer. Try again shortly; if the "
                                    "code is refused then, request a new one.",
                          .accepted = {}});
    response.headers.set("Retry-After", "1");
    co_return response;
  }
  co_return verdict_response(*verdict);
}

http::Response answer_for_failed_issue(const Error& error) {
  if (error.code == "QueueUnavailable" || error.code == "TableUnavailable") {
    auto response = problem_response(
        {.status = 503,
         .name = error.code == "QueueUnavailable" ? "queue-unavailable" : "table-unavailable",
         .title = "No code could be issued",
         .detail = "A store that a code must be written to does not answer. Try again shortly.",
         .accepted = {}});
    response.headers.set("Retry-After", "1");
    return response;
  }
  int status = error.kind == ErrorKind::timeout ? 504 : 502;
  if (error.http_status >= 400 && error.http_status <= 599) status = error.http_status;
  auto response = http::text_response(status, std::string(kNoCode));
  response.headers.set("Cache-Control", "no-store");
  return response;
}

}  // namespace latchkey::service
