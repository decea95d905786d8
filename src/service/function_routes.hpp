#pragma once

#include "codes/issuer.hpp"
#include "codes/watcher.hpp"
#include "http/router.hpp"
#include "service/gatekeeper.hpp"

namespace latchkey::service {

/// The functions of deploy/functions/app that have bindings, as an Azure Functions host calls them:
///
///   POST /getcode  HTTP trigger with a queue output: the code's row first, then the message
///                  through the host. A failure is an answer for the caller and no message
///   POST /watch    queue trigger: one visit. 200: the host deletes the message; 503: it brings it
///                  again
///
/// The host forwards functions without such bindings as they are: they are the API's own routes.
class FunctionRoutes {
 public:
  /// All must outlive this; the watcher with WatcherOptions::host_deletes.
  struct Parts {
    codes::Issuer& issuer;
    codes::Watcher& watcher;
    Gatekeeper& gatekeeper;
  };
  explicit FunctionRoutes(Parts parts) : with_(parts) {}
  /// The router must not outlive this.
  void add_to(http::Router& router);

 private:
  Task<http::Response> get_code(const http::Request& invocation, const http::Match& match);
  Task<http::Response> watch(const http::Request& invocation);

  Parts with_;
};

}  // namespace latchkey::service
