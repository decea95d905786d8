#pragma once

#include "codes/idempotency.hpp"
#include "codes/issuer.hpp"
#include "http/router.hpp"
#include "service/gatekeeper.hpp"
#include "service/request_bodies.hpp"

namespace latchkey::service {

/// The walkthrough's sentence for every failure of the number API.
inline constexpr std::string_view kNoCode = "Could not get you a code.";

/// Getting codes, role Codes.Issue:
///
///   GET  /api/v1/getcode  the walkthrough's call; a failing number API's own status is passed on
///   POST /api/v1/codes    for a subject and purpose, for a lifetime; safe to repeat with an
///                         Idempotency-Key; every failure is a problem
class IssueRoutes {
 public:
  IssueRoutes(codes::Issuer& issuer, codes::Idempotency& idempotency, Gatekeeper& gatekeeper);
  /// The router must not outlive this.
  void add_to(http::Router& router);

 private:
  Task<http::Response> get_code(const http::Request& request, const http::Match& match);
  Task<http::Response> post_codes(const http::Request& request, const http::Match& match);
  Task<http::Response> issue_once(std::string_view idempotency_key, const std::string& caller,
                                  const http::Request& request, const http::Match& match,
                                  IssueBody body);

  codes::Issuer& issuer_;
  codes::Idempotency& idempotency_;
  Gatekeeper& gatekeeper_;
};

/// How GET getcode is answered; a failure is logged.
http::Response answer_for_getcode(const Result<codes::IssuedCode>& issued,
                                  const http::Match& match);
/// How a failed GET getcode is answered: the number API's own status where it gave an error status,
/// 504 when it did not answer in time, 502 when it could not be reached or said nonsense (all with
/// kNoCode); otherwise as `problem_for_failed_issue`.
http::Response answer_for_failed_getcode(const Error& error);
/// 429 when a limit is reached, 502 or 504 when the number API fails, 503 when queue or table do.
http::Response problem_for_failed_issue(const Error& error);

}  // namespace latchkey::service
