#pragma once

#include "http/router.hpp"
#include "service/code_routes.hpp"
#include "service/issue_routes.hpp"
#include "service/readiness.hpp"
#include "service/verify_routes.hpp"

/// The product's HTTP face. web/openapi.json describes it; docs/api.md tells it.
///
///   /api/v1/getcode, /api/v1/codes          issue_routes.hpp
///   /api/v1/verify                          verify_routes.hpp
///   /api/v1/codes/{id}, .../revoke          code_routes.hpp
///   GET /openapi.json   GET / home page   GET /healthz alive   GET /readyz able to work: open to
///   all
namespace latchkey::service {

class Api {
 public:
  /// All must outlive the API.
  struct Parts {
    codes::Issuer& issuer;
    codes::Verifier& verifier;
    codes::CodeDirectory& directory;
    codes::Idempotency& idempotency;
    Gatekeeper& gatekeeper;
    Readiness& readiness;
  };
  explicit Api(Parts parts);
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  /// For further routes, beside those above.
  http::Router& router() { return router_; }
  /// The API must outlive what is given here.
  /// Once the readiness says that this copy leaves, each answer ends its connection, so that
  /// clients open their next one elsewhere and none is closed under a request.
  http::Handler handler();

 private:
  IssueRoutes issue_;
  VerifyRoutes verify_;
  CodeRoutes codes_;
  Readiness& readiness_;
  http::Router router_;
};

}  // namespace latchkey::service
