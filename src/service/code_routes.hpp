#pragma once

#include <string>

#include "codes/code_directory.hpp"
#include "http/router.hpp"
#include "service/gatekeeper.hpp"

namespace latchkey::service {

/// What may be done with issued codes besides verifying them, role Codes.Admin:
///
///   GET  /api/v1/codes/{id}         its state, never the code
///   POST /api/v1/codes/{id}/revoke  takes one back
///   POST /api/v1/codes/revoke       takes back all of a subject. The subject stands in the body: a
///                                   URL ends up in logs.
class CodeRoutes {
 public:
  CodeRoutes(codes::CodeDirectory& directory, Gatekeeper& gatekeeper);
  /// The router must not outlive this.
  void add_to(http::Router& router);

 private:
  Task<http::Response> look(const http::Request& request, const http::Match& match);
  Task<http::Response> revoke(const http::Request& request, const http::Match& match);
  Task<http::Response> revoke_subject(const http::Request& request, const http::Match& match);

  codes::CodeDirectory& directory_;
  Gatekeeper& gatekeeper_;
};

}  // namespace latchkey::service
