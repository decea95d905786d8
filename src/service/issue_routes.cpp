#include "service/issue_routes.hpp"

#include <fmt/format.h>

#include "base/log.hpp"
#include "base/time_text.hpp"
#include "base/tracer.hpp"
#include "service/problem.hpp"
#include "service/request_fields.hpp"

namespace latchkey::service {
namespace {

using Outcome = codes::AnswerTable::Begun::Outcome;

constexpr std::string_view kOperation = "issue";

void log_failure(const Error& error, const http::Match& match) {
  log::warning("issue_failed", {{"kind", to_string(error.kind)},
                                {"code", error.code},
                                {"problem", error.message},
                                {"request_id", match.request_id},
                                {"trace_id", trace_id_text(match.trace)}});
}

/// 201. `text` is what is kept under an Idempotency-Key: the id, a blank, the body.
http::Response created(std::string_view text) {
  const std::size_t blank = text.find(' ');
  auto response = http::json_response(201, std::string(text.substr(blank + 1)));
  response.headers.set("Location", fmt::format("/api/v1/codes/{}", text.substr(0, blank)));
  response.headers.set("Cache-Control", "no-store");
  return response;
}

/// Ids, codes and times are letters, digits, blanks and punctuation: nothing here needs escaping.
std::string text_of(const codes::IssuedCode& issued) {
  return fmt::format(R"({0} {{"id":"{0}","code":"{1}","timestamp":"{2}","expires":"{3}"}})",
                     issued.id, issued.code.reveal(), to_python_utc(issued.issued),
                     to_python_utc(issued.expires));
}

/// draft-ietf-httpapi-ratelimit-headers-11: what a subject may get, and what is left of it.
void add_quota(http::Response& response, const codes::IssuedCode& issued,
               const codes::Limits& limits) {
  if (!issued.quota) return;
  response.headers.set("RateLimit-Policy", fmt::format(R"("issue";q={};w={})", limits.issues_max,
                                                       limits.issues_window.count()));
  response.headers.set("RateLimit", fmt::format(R"("issue";r={};t={})", issued.quota->left,
                                                issued.quota->reset.count()));
}

http::Response answer_for_claim(const codes::Idempotency::Claim& claim) {
  if (claim.outcome == Outcome::answered) {
    auto response = created(claim.answer);
    response.headers.set("Idempotency-Replayed", "true");
    return response;
  }
  if (claim.outcome == Outcome::in_progress) {
    return problem_response({.status = 409,
                             .name = "request-in-progress",
                             .title = "Request in progress",
                             .detail = "The first request with this Idempotency-Key has not been "
                                       "answered yet. Try again in a second.",
                             .retry_after = std::chrono::seconds{1}});
  }
  return problem_response({.status = 422,
                           .name = "idempotency-key-reused",
                           .title = "Idempotency-Key used for another request",
                           .detail = "This Idempotency-Key came with another body before. Use a "
                                     "new key for a new request."});
}

}  // namespace

IssueRoutes::IssueRoutes(codes::Issuer& issuer, codes::Idempotency& idempotency,
                         Gatekeeper& gatekeeper)
    : issuer_(issuer), idempotency_(idempotency), gatekeeper_(gatekeeper) {}

void IssueRoutes::add_to(http::Router& router) {
  router.add(http::Method::get, "/api/v1/getcode",
             [this](const http::Request& request, const http::Match& match) {
               return get_code(request, match);
             });
  router.add(http::Method::post, "/api/v1/codes",
             [this](const http::Request& request, const http::Match& match) {
               return post_codes(request, match);
             });
}

Task<http::Response> IssueRoutes::get_code(const http::Request& request, const http::Match& match) {
  auto caller = co_await gatekeeper_.admit(request, Role::issue);
  if (!caller) co_return std::move(caller.error());
  codes::IssueRequest wanted{.caller = std::move(caller->name), .trace = match.trace};
  const auto issued = co_await issuer_.issue(std::move(wanted));
  co_return answer_for_getcode(issued, match);
}

Task<http::Response> IssueRoutes::post_codes(const http::Request& request,
                                             const http::Match& match) {
  auto caller = co_await gatekeeper_.admit(request, Role::issue);
  if (!caller) co_return std::move(caller.error());
  const auto lifetime_max =
      std::chrono::floor<std::chrono::seconds>(issuer_.options().rules.lifetime);
  auto body = parse_issue_body(request, lifetime_max);
  if (!body) co_return std::move(body.error());
  const auto key = idempotency_key(request.headers);
  if (!key) co_return key.error();
  co_return co_await issue_once(*key, caller->name, request, match, std::move(*body));
}

Task<http::Response> IssueRoutes::issue_once(std::string_view idempotency_key,
                                             const std::string& caller,
                                             const http::Request& request, const http::Match& match,
                                             IssueBody body) {
  Result<codes::Idempotency::Claim> claim;
  if (!idempotency_key.empty()) {
    claim = co_await idempotency_.claim(kOperation, caller, idempotency_key, request.body);
    if (!claim) {
      log_failure(claim.error(), match);
      co_return table_unavailable("No code was issued. Try again shortly.");
    }
    if (claim->outcome != Outcome::started) co_return answer_for_claim(*claim);
  }
  codes::IssueRequest wanted{.binding = std::move(body.binding),
                             .caller = caller,
                             .lifetime = body.lifetime,
                             .trace = match.trace};
  const auto issued = co_await issuer_.issue(std::move(wanted));
  if (!issued) {
    log_failure(issued.error(), match);
    if (!idempotency_key.empty()) {
      // A claim that cannot be dropped ends by itself: Idempotency::kLease.
      const auto dropped = co_await idempotency_.drop(std::move(*claim));
      if (!dropped) log_failure(dropped.error(), match);
    }
    co_return problem_for_failed_issue(issued.error());
  }
  const std::string text = text_of(*issued);
  if (!idempotency_key.empty()) {
    // The code is out: an answer that cannot be kept costs a repetition its replay, no more.
    const auto kept = co_await idempotency_.keep(std::move(*claim), text, issued->expires);
    if (!kept) log_failure(kept.error(), match);
  }
  auto response = created(text);
  add_quota(response, *issued, issuer_.options().limits);
  co_return response;
}

http::Response answer_for_getcode(const Result<codes::IssuedCode>& issued,
                                  const http::Match& match) {
  if (!issued) {
    log_failure(issued.error(), match);
    return answer_for_failed_getcode(issued.error());
  }
  auto response =
      http::json_response(200, fmt::format(R"({{"code":"{}","timestamp":"{}"}})",
                                           issued->code.reveal(), to_python_utc(issued->issued)));
  response.headers.set("Cache-Control", "no-store");
  return response;
}

http::Response answer_for_failed_getcode(const Error& error) {
  const auto problem = problem_for_failed_issue(error);
  if (problem.status != 502 && problem.status != 504) return problem;
  int status = problem.status;
  if (error.http_status >= 400 && error.http_status <= 599) status = error.http_status;
  auto response = http::text_response(status, std::string(kNoCode));
  response.headers.set("Cache-Control", "no-store");
  return response;
}

http::Response problem_for_failed_issue(const Error& error) {
  using std::chrono::ceil;
  using std::chrono::seconds;
  if (error.code == "IssueLimit") {
    const auto wait = error.retry_after.value_or(std::chrono::milliseconds{1000});
    return problem_response({.status = 429,
                             .name = "issue-limit",
                             .title = "Too many codes",
                             .detail = "No more codes for this subject or caller for now.",
                             .retry_after = ceil<seconds>(wait)});
  }
  if (error.code == "TableUnavailable") {
    return table_unavailable("No code was issued. Try again shortly.");
  }
  if (error.code == "QueueUnavailable") {
    return problem_response({.status = 503,
                             .name = "queue-unavailable",
                             .title = "The queue does not answer",
                             .detail = "No code was issued. Try again shortly.",
                             .retry_after = seconds{1}});
  }
  // A 504 that the number API answered is a failure like any other status of its own.
  const bool late = error.kind == ErrorKind::timeout && error.http_status == 0;
  return problem_response({.status = late ? 504 : 502,
                           .name = late ? "number-api-timeout" : "number-api-failed",
                           .title = std::string_view(kNoCode).substr(0, kNoCode.size() - 1),
                           .detail = "The API that gives the number in a code failed. No code was "
                                     "issued."});
}

}  // namespace latchkey::service
