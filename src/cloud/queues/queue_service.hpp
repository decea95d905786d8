#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/metrics.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "cloud/identity/authenticator.hpp"
#include "cloud/identity/role_assignments.hpp"
#include "cloud/tenancy.hpp"
#include "http/router.hpp"

namespace latchkey::cloud {

struct StorageAccount {
  std::string name;
  Secret key1;  ///< base64
  Secret key2;
};

struct QueueServiceOptions {
  std::filesystem::path database;  ///< queues.db; empty: in memory
  Metrics* metrics = nullptr;      ///< where the store counts; must outlive the service
  std::vector<StorageAccount> accounts;
  Tenancy tenancy;
  /// "https://localhost:8443": stands in challenges as
  /// authorization_uri=LOGIN/TENANT/oauth2/authorize.
  std::string login_origin;
  /// How long the name of a deleted queue stays taken (409 QueueBeingDeleted): in Azure some 30 s,
  /// here none unless somebody wants to see it.
  std::chrono::seconds deletion_window{0};
};

/// Queue Storage on the wire: addressing, authorization, operations, XML. One thread.
class QueueService {
 public:
  static Result<std::unique_ptr<QueueService>> open(QueueServiceOptions options,
                                                    Authenticator& authenticator,
                                                    const RoleAssignments& roles, Clock& clock,
                                                    Random& random, Executor executor);
  ~QueueService();
  http::Handler handler();
  /// For provisioning: as Create Queue would, with nobody's authorization asked. Fine when it
  /// exists.
  Task<Result<>> ensure_queue(std::string account, std::string queue);
  /// Ends background work (expiry); call before destruction, on the executor's thread.
  Task<> stop();

 private:
  struct Impl;
  explicit QueueService(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace latchkey::cloud
