#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/settings.hpp"
#include "app/world.hpp"
#include "azure/key_vault_client.hpp"
#include "azure/queue_client.hpp"
#include "azure/server_clock.hpp"
#include "codes/code_hasher.hpp"
#include "http/client.hpp"
#include "http/observed_client.hpp"

namespace latchkey::app {

/// Whose certificates a part believes: made once (reading the system's store takes some 30 ms),
/// shared by all.
using Trust = http::TlsClientContext;

/// What API and watcher use to reach Azure, each with its own identity and connections.
class AzureAccess {
 public:
  /// Error: invalid_argument for settings that cannot work.
  static Result<std::unique_ptr<AzureAccess>> create(const ServiceSettings& settings, Trust trust,
                                                     World world);
  ~AzureAccess();

  /// Reads the peppers from the vault; while the vault cannot be reached or a role is missing (a
  /// new assignment takes minutes in Azure), tries again until `patience` has passed.
  Task<Result<std::vector<codes::Pepper>>> peppers(std::string secret_name,
                                                   std::chrono::seconds patience);

  /// For what is not Azure: the third party's API, a webhook. Its clock is nobody's reference.
  /// `dependency` names it in metrics and traces, here and below.
  http::HttpClient& http(std::string dependency) { return observed(*http_, std::move(dependency)); }
  /// For Azure: every answer's Date is compared with our clock.
  http::HttpClient& azure_http(std::string dependency) {
    return observed(*dated_http_, std::move(dependency));
  }
  azure::TokenCredential& credential() { return *credential_; }
  const azure::TokenCredential& credential() const { return *credential_; }
  azure::KeyVaultClient& vault() { return *vault_; }
  /// All that STORAGE_QUEUE_URL lists, in order; at least one.
  std::vector<azure::QueueClient>& queues() { return queues_; }
  const azure::ServerClock& server_clock() const { return *server_clock_; }

 private:
  explicit AzureAccess(World world) : world_(world) {}
  http::HttpClient& observed(http::HttpClient& http, std::string dependency);

  World world_;
  std::unique_ptr<http::PooledClient> http_;
  std::unique_ptr<azure::ServerClock> server_clock_;
  std::unique_ptr<azure::DatedClient> dated_http_;
  std::map<std::string, std::unique_ptr<http::ObservedClient>> observed_;  ///< by dependency
  std::unique_ptr<azure::TokenCredential> credential_;
  std::unique_ptr<azure::KeyVaultClient> vault_;
  std::vector<azure::QueueClient> queues_;
};

}  // namespace latchkey::app
