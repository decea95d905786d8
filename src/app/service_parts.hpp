#pragma once

#include <memory>

#include "app/settings.hpp"
#include "azure/key_vault_client.hpp"
#include "azure/queue_client.hpp"
#include "codes/code_hasher.hpp"
#include "codes/code_table.hpp"
#include "codes/issuer.hpp"
#include "codes/number_api.hpp"
#include "codes/verifier.hpp"
#include "codes/watcher.hpp"
#include "http/client.hpp"
#include "http/server.hpp"
#include "service/api.hpp"
#include "service/readiness.hpp"

/// The two halves of the product, wired from settings: nothing here knows whether its Azure is real
/// or local.
namespace latchkey::app {

/// The world that every part runs in.
struct World {
  Executor executor;
  Clock& clock;
  Random& random;
};

/// Whose certificates a part believes: made once (reading the system's store takes some 30 ms),
/// shared by all.
using Trust = http::TlsClientContext;

/// What both halves use to reach Azure, each with its own identity and connections.
class AzureAccess {
 public:
  /// Error: invalid_argument for settings that cannot work.
  static Result<std::unique_ptr<AzureAccess>> create(const ServiceSettings& settings, Trust trust,
                                                     World world);
  ~AzureAccess();

  /// Reads the pepper from the vault; while the vault cannot be reached or a role is missing (a new
  /// assignment takes minutes in Azure), tries again until `patience` has passed.
  Task<Result<codes::CodeHasher>> hasher(std::string secret_name, std::chrono::seconds patience);

  http::HttpClient& http() { return *http_; }
  azure::TokenCredential& credential() { return *credential_; }
  azure::KeyVaultClient& vault() { return *vault_; }
  azure::QueueClient& queue() { return *queue_; }

 private:
  explicit AzureAccess(World world) : world_(world) {}
  World world_;
  std::unique_ptr<http::PooledClient> http_;
  std::unique_ptr<azure::TokenCredential> credential_;
  std::unique_ptr<azure::KeyVaultClient> vault_;
  std::unique_ptr<azure::QueueClient> queue_;
};

/// The API on its port.
class ApiPart {
 public:
  static Task<Result<std::unique_ptr<ApiPart>>> start(ServiceSettings settings,
                                                      ListenSettings listen,
                                                      codes::CodeTable& table, Trust trust,
                                                      World world);
  std::uint16_t port() const { return server_->port(); }
  const codes::CodeHasher& hasher() const { return *hasher_; }
  Task<> stop(std::chrono::milliseconds grace);

 private:
  ApiPart() = default;
  std::unique_ptr<AzureAccess> azure_;
  std::unique_ptr<codes::CodeHasher> hasher_;
  std::unique_ptr<azure::CachedSecret> number_key_;
  std::unique_ptr<codes::NumberApi> number_api_;
  std::unique_ptr<codes::Issuer> issuer_;
  std::unique_ptr<codes::Verifier> verifier_;
  std::unique_ptr<service::Readiness> readiness_;
  std::unique_ptr<service::Api> api_;
  std::unique_ptr<http::Server> server_;
};

/// The watcher, running.
class WatchPart {
 public:
  static Task<Result<std::unique_ptr<WatchPart>>> start(ServiceSettings settings,
                                                        codes::CodeTable& table, Trust trust,
                                                        World world);
  Task<> stop();

 private:
  explicit WatchPart(Executor executor) : tasks_(executor) {}
  std::unique_ptr<AzureAccess> azure_;
  std::unique_ptr<codes::CodeHasher> hasher_;
  std::unique_ptr<codes::Watcher> watcher_;
  TaskGroup tasks_;
};

codes::LifetimeRules lifetime_rules(const ServiceSettings& settings);

}  // namespace latchkey::app
