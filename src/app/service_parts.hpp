#pragma once

#include <memory>

#include "app/azure_access.hpp"
#include "app/observation.hpp"
#include "app/protection_settings.hpp"
#include "app/settings.hpp"
#include "app/sign_in_part.hpp"
#include "app/world.hpp"
#include "azure/queue_shards.hpp"
#include "azure/token_validator.hpp"
#include "codes/audit_log.hpp"
#include "codes/code_directory.hpp"
#include "codes/code_tables.hpp"
#include "codes/idempotency.hpp"
#include "codes/issuer.hpp"
#include "codes/number_api.hpp"
#include "codes/pepper_source.hpp"
#include "codes/queue_probe.hpp"
#include "codes/rate_limiter.hpp"
#include "codes/verifier.hpp"
#include "codes/watcher.hpp"
#include "http/server.hpp"
#include "service/api.hpp"
#include "service/gatekeeper.hpp"
#include "service/readiness.hpp"
#include "service/telemetry/operator_routes.hpp"
#include "service/telemetry/request_observer.hpp"

/// The two halves of the product, wired from settings: nothing here knows whether its Azure is real
/// or local.
namespace latchkey::app {

/// What the API needs to know.
struct ApiSettings {
  ServiceSettings service;
  ListenSettings listen;
  LimitSettings limits;
  AccessSettings access;
  SignInSettings sign_in;
};
Result<ApiSettings> read_api_settings(const Environment& environment,
                                      const std::filesystem::path& data);

/// The API, on its port or behind a functions host.
class ApiPart {
 public:
  /// Without a port: who has one sends its requests through `router()`.
  static Task<Result<std::unique_ptr<ApiPart>>> make(const ApiSettings& settings,
                                                     codes::CodeTables& tables, Trust trust,
                                                     World world);
  static Task<Result<std::unique_ptr<ApiPart>>> start(ApiSettings settings,
                                                      codes::CodeTables& tables, Trust trust,
                                                      World world);
  std::uint16_t port() const { return server_->port(); }
  const codes::CodeHasher& hasher() const { return *hasher_; }
  service::Readiness& readiness() { return *readiness_; }
  /// /readyz says no from now on and each answer ends its connection; all else goes on.
  void leave() { readiness_->leave(); }
  codes::Issuer& issuer() { return *issuer_; }
  service::Gatekeeper& gatekeeper() { return *gatekeeper_; }
  http::Router& router() { return api_->router(); }
  Task<> stop(std::chrono::milliseconds grace);

 private:
  explicit ApiPart(Executor executor) : tasks_(executor) {}
  void make_codes(const ApiSettings& settings, codes::CodeTables& tables, World world);
  Result<> make_gatekeeper(const ApiSettings& settings, World world);
  void make_readiness(World world);

  std::unique_ptr<AzureAccess> azure_;
  std::unique_ptr<codes::AuditLog> audit_;
  std::unique_ptr<Observation> observation_;
  std::unique_ptr<codes::CodeHasher> hasher_;
  std::unique_ptr<codes::PepperSource> peppers_;
  std::unique_ptr<azure::CachedSecret> number_key_;
  std::unique_ptr<codes::NumberApi> number_api_;
  std::unique_ptr<codes::RateLimiter> issues_;
  std::unique_ptr<codes::RateLimiter> failures_;
  std::unique_ptr<azure::QueueShards> queues_;
  std::unique_ptr<codes::Issuer> issuer_;
  std::unique_ptr<codes::Verifier> verifier_;
  std::unique_ptr<codes::CodeDirectory> directory_;
  std::unique_ptr<codes::Idempotency> idempotency_;
  std::unique_ptr<azure::CachedSecret> api_keys_;
  std::unique_ptr<azure::TokenValidator> tokens_;
  std::unique_ptr<service::Gatekeeper> gatekeeper_;
  std::unique_ptr<service::Readiness> readiness_;
  std::unique_ptr<service::RequestObserver> requests_;
  std::unique_ptr<service::Api> api_;
  std::unique_ptr<SignInPart> sign_in_;
  std::unique_ptr<http::Server> server_;
  TaskGroup tasks_;
};

/// The watcher, running, or visiting what a functions host hands it.
class WatchPart {
 public:
  /// The messages come through `watcher().visit`; only the sweep runs.
  static Task<Result<std::unique_ptr<WatchPart>>> start_for_host(ServiceSettings settings,
                                                                 codes::CodeTable& table,
                                                                 Trust trust, World world);
  static Task<Result<std::unique_ptr<WatchPart>>> start(ServiceSettings settings,
                                                        codes::CodeTable& table, Trust trust,
                                                        World world);
  /// Of the first queue that is listed: a host's queue trigger has one.
  codes::Watcher& watcher() { return *watchers_.front(); }
  service::Readiness& readiness() { return *readiness_; }
  Task<> stop();

 private:
  explicit WatchPart(Executor executor) : tasks_(executor) {}
  static Task<Result<std::unique_ptr<WatchPart>>> make(const ServiceSettings& settings,
                                                       bool host_deletes, codes::CodeTable& table,
                                                       Trust trust, World world);
  void tell_of_watcher(const ServiceSettings& settings, World world);
  std::unique_ptr<AzureAccess> azure_;
  std::unique_ptr<codes::AuditLog> audit_;
  std::unique_ptr<Observation> observation_;
  std::unique_ptr<codes::CodeHasher> hasher_;
  std::unique_ptr<codes::PepperSource> peppers_;
  std::vector<std::unique_ptr<codes::Watcher>> watchers_;  ///< one for each queue
  std::unique_ptr<azure::QueueShards> queues_;             ///< asked whether they are there
  std::unique_ptr<codes::QueueProbe> probe_;
  std::unique_ptr<service::Readiness> readiness_;
  TaskGroup tasks_;
};

codes::LifetimeRules lifetime_rules(const ServiceSettings& settings);

}  // namespace latchkey::app
