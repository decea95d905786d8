#pragma once

#include "codes/issuer.hpp"
#include "codes/verifier.hpp"
#include "http/router.hpp"
#include "service/readiness.hpp"

/// The product's HTTP face.
///
///   GET  /api/v1/getcode  the walkthrough's call: {"code":"ojE-161-pTv","timestamp":"..."}
///   POST /api/v1/verify   {"code":"...","subject":"...","purpose":"..."}: accepted once
///   GET  /                home page      GET /healthz  alive      GET /readyz  able to work
namespace latchkey::service {

class Api {
 public:
  Api(codes::Issuer& issuer, codes::Verifier& verifier, Readiness& readiness);
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;
  /// The API must outlive what is given here.
  http::Handler handler() { return router_.handler(); }

 private:
  Task<http::Response> get_code(const http::Request& request);
  Task<http::Response> verify(const http::Request& request);

  codes::Issuer& issuer_;
  codes::Verifier& verifier_;
  Readiness& readiness_;
  http::Router router_;
};

/// The walkthrough's sentence for every failure of the number API.
inline constexpr std::string_view kNoCode = "Could not get you a code.";

/// How a failed issue is answered: the number API's own status where it gave an error status, 504
/// when it did not answer in time, 502 when it could not be reached or said nonsense (all with
/// kNoCode); 503 with problem details when queue or table fail.
http::Response answer_for_failed_issue(const Error& error);

}  // namespace latchkey::service
