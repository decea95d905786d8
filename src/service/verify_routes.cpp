#include "service/verify_routes.hpp"

#include <fmt/format.h>

#include "base/log.hpp"
#include "base/tracer.hpp"
#include "service/problem.hpp"
#include "service/request_bodies.hpp"
#include "service/request_fields.hpp"

namespace latchkey::service {
namespace {

http::Response response_for(const codes::VerifyAnswer& answer) {
  switch (answer.verdict) {
    case codes::Verdict::accepted: {
      // An id is hexadecimal digits and hyphens: nothing to escape.
      auto response =
          http::json_response(200, fmt::format(R"({{"accepted":true,"id":"{}"}})", answer.id));
      response.headers.set("Cache-Control", "no-store");
      return response;
    }
    case codes::Verdict::not_active_yet:
      return problem_response(
          {.status = 409,
           .name = "code-not-active-yet",
           .title = "Code not active yet",
           .detail =
               "The code was issued a moment ago and is not active yet. Try again in a second.",
           .accepted = false,
           .retry_after = std::chrono::seconds{1}});
    case codes::Verdict::throttled:
      return problem_response({.status = 429,
                               .name = "too-many-attempts",
                               .title = "Too many attempts",
                               .detail = "Too many attempts have failed. Nothing was compared; try "
                                         "again after the time in Retry-After.",
                               .accepted = false,
                               .retry_after = answer.retry_after});
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

VerifyRoutes::VerifyRoutes(codes::Verifier& verifier, std::int64_t failures_max,
                           Gatekeeper& gatekeeper)
    : verifier_(verifier), failures_max_(failures_max), gatekeeper_(gatekeeper) {}

void VerifyRoutes::add_to(http::Router& router) {
  router.add(http::Method::post, "/api/v1/verify",
             [this](const http::Request& request, const http::Match& match) {
               return verify(request, match);
             });
}

Task<http::Response> VerifyRoutes::verify(const http::Request& request, const http::Match& match) {
  auto caller = co_await gatekeeper_.admit(request, Role::verify);
  if (!caller) co_return std::move(caller.error());
  auto body = parse_verify_body(request);
  if (!body) co_return std::move(body.error());
  auto key = idempotency_key(request.headers);
  if (!key) co_return std::move(key.error());
  const auto wait = preferred_wait(request.headers, codes::Verifier::kWaitMax);

  codes::VerifyRequest wanted{.code = std::move(body->code),
                              .binding = std::move(body->binding),
                              .caller = std::move(caller->name),
                              .idempotency_key = std::move(*key),
                              .wait = wait.value_or(std::chrono::seconds{0}),
                              .trace = match.trace};
  const auto answer = co_await verifier_.verify(std::move(wanted));
  if (!answer) {
    log::error("verify_failed", {{"kind", to_string(answer.error().kind)},
                                 {"problem", answer.error().message},
                                 {"request_id", match.request_id},
                                 {"trace_id", trace_id_text(match.trace)}});
    co_return table_unavailable(
        "Try again shortly; if the code is refused then, request a new one.");
  }
  auto response = response_for(*answer);
  // draft-ietf-httpapi-ratelimit-headers-11: failures until delays begin. Counted for the subject
  // that is claimed, known or not, so this tells nobody which subjects there are.
  response.headers.set("RateLimit-Policy", fmt::format(R"("failures";q={})", failures_max_));
  response.headers.set("RateLimit", fmt::format(R"("failures";r={})", answer->failures_left));
  if (wait) response.headers.set("Preference-Applied", fmt::format("wait={}", wait->count()));
  co_return response;
}

}  // namespace latchkey::service
