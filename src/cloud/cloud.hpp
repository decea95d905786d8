#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "cloud/functions/app_settings.hpp"
#include "cloud/functions/functions_host.hpp"
#include "cloud/identity/identities.hpp"
#include "cloud/identity/role_assignments.hpp"
#include "cloud/identity/trusted_issuers.hpp"
#include "cloud/queues/queue_service.hpp"
#include "cloud/tenancy.hpp"
#include "cloud/vault/secret_store.hpp"
#include "cloud/vault/vault_throttle.hpp"
#include "cloud/vault/vaults.hpp"

namespace latchkey::cloud {

struct CloudPorts {
  std::uint16_t functions = 7071;
  std::uint16_t queue = 10001;
  std::uint16_t vault_and_login = 8443;
  std::uint16_t identity = 8081;
  std::uint16_t proxy = 8089;
};

struct CloudOptions {
  std::filesystem::path
      data;  ///< an existing folder; the cloud keeps cloud.db, queues.db, ca.pem, keys/ there
  CloudPorts ports;  ///< 0 takes a free one
  std::vector<std::string> addresses = {"127.0.0.1", "::1"};
  /// For throw-away use: the folder keeps keys and certificates only, everything else is gone at
  /// the end.
  bool in_memory = false;
  /// Storage accounts beside devstoreaccount1, by name; the keys of each are made at its first
  /// start and stay.
  std::vector<std::string> storage_accounts{};
  /// Vaults beside "latchkey", and the permission model of each; once made they stay.
  std::vector<VaultOptions> vaults{};
  /// How long a deleted secret can be recovered, 7 to 90.
  int vault_recoverable_days = kRecoverableDaysMax;
  /// Answer 429 beyond these, as Azure does; nullopt: no limits.
  std::optional<VaultLimits> vault_limits{};
  /// How long the name of a deleted queue stays taken; in Azure some 30 s.
  std::chrono::seconds queue_deletion_window{0};
  /// How long a role that is given or taken away takes to hold; in Azure up to ten minutes.
  std::chrono::seconds role_delay{0};
  /// Whose tokens are good here beside our own; roles are given to their object ids as to ours.
  std::vector<TrustedIssuerOptions> trusted_issuers{};
  /// Faults and the clock can be set through the management plane; see test_controls/.
  bool test_controls = false;
};

/// Full URLs of what runs. Keys of endpoints.json.
struct CloudEndpoints {
  std::string functions;  ///< http://localhost:7071; GET /metrics there shows what was counted
  std::string queue;     ///< https://localhost:10001/devstoreaccount1 (the port takes http as well)
  std::string vault;     ///< https://latchkey.vault.localhost:8443
  std::string identity;  ///< http://localhost:8081/msi/token
  std::string login;     ///< https://localhost:8443
  std::string proxy;     ///< http://127.0.0.1:8089; wants credentials, see azure_proxy.hpp
};

struct FunctionAppOptions {
  std::filesystem::path folder;  ///< with host.json
  std::string identity;          ///< the app's own; there must be one of that name
  AppSettings environment;       ///< of its handler; the app's settings join it
};

/// The whole local cloud on one executor: token service, role assignments, vault, queues,
/// functions. Knows nothing of latchkey's codes: who may do what, and which secrets there are,
/// comes from outside.
class Cloud {
 public:
  static constexpr std::string_view kAccount = "devstoreaccount1";
  static constexpr std::string_view kVault = "latchkey";

  /// Opens the data folder (keys and CA are made at the first start, mode 0600) and starts to
  /// listen; requests are answered once the executor runs. Errors: unavailable (a port is taken),
  /// storage, conflict (another process has the folder).
  static Result<std::unique_ptr<Cloud>> start(CloudOptions options, Clock& clock, Random& random,
                                              Executor executor);
  ~Cloud();

  const CloudEndpoints& endpoints() const;
  /// Of the proxy's user AzureProxy::kNobody, for programs that sign in by themselves.
  const Secret& proxy_password() const;
  const Tenancy& tenancy() const;
  /// With their keys: for connection strings. devstoreaccount1 comes first; the address of another
  /// is that of `endpoints().queue` with its name in the place of the first one's.
  const std::vector<StorageAccount>& storage_accounts() const;
  /// PEM of the authority that signed the servers' certificates.
  const std::string& authority_pem() const;
  std::filesystem::path authority_file() const;

  RoleAssignments& roles();
  FunctionsHost& functions();
  /// Its functions join those of the functions host; one that was there before makes way. Its
  /// handler runs until `stop`. Errors: invalid_argument (names file and field, or the function
  /// that another app has), storage.
  Task<Result<>> start_function_app(FunctionAppOptions options);
  /// The function's own key named "default", or nullopt.
  std::optional<Secret> function_key(std::string_view function) const;

  /// Provisioning: each is fine when the thing is there already, and durable when it returns. A
  /// secret gets a new version only when its value is another.
  Task<Result<Identity>> ensure_identity(std::string name);
  Task<Result<>> ensure_role(std::string principal_id, std::string_view role, std::string scope);
  /// An app role ("Codes.Issue") of an identity at kApiAudience.
  Task<Result<>> ensure_app_role(std::string object_id, std::string role);
  Task<Result<>> ensure_queue(std::string queue);
  /// The newest version's value, or nullopt.
  std::optional<Secret> secret(std::string_view name) const;
  /// Error: conflict when a secret of that name was deleted and can be recovered.
  Task<Result<>> set_secret(std::string name, Secret value);
  /// A deleted secret is there again. Error: not_found when none of that name was deleted.
  Task<Result<>> recover_secret(std::string name);
  /// Whether, when this started, no role had ever been assigned here. Provisioning gives roles only
  /// then, so that what a person took away stays away.
  bool is_new() const;

  /// Lets running requests end, closes everything, waits for the stores. Must have ended before
  /// destruction; nothing else may be called after it.
  Task<> stop(std::chrono::milliseconds grace);

 private:
  struct Impl;
  explicit Cloud(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace latchkey::cloud
