#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "app/app_identity.hpp"
#include "app/environment.hpp"

/// One function for each command of the command line; each gives the exit code: 0 done, 1 failed or
/// refused, 2 wrong call or setting.
namespace latchkey::app {

struct CommonOptions {
  Environment environment;
  std::filesystem::path data;
  bool data_given = false;  ///< --data was said: it wins over settings in the environment
  std::string program;      ///< how the user called us, for the commands we suggest
};

struct UpOptions {
  std::string ports;
  std::string code_lifetime = "600s";
  bool in_memory = false;
  std::vector<std::string> accounts;  ///< storage accounts beside devstoreaccount1
  std::vector<std::string> vaults;    ///< "NAME" or "NAME=MODEL" beside latchkey
  int vault_recoverable_days = 90;
  bool vault_throttle = false;
  std::vector<std::string> trusted_issuers;    ///< "ISSUER=JWKS_FILE"
  std::vector<std::string> trusted_audiences;  ///< of those issuers' tokens
  int queue_deletion_window = 0;               ///< seconds that a deleted queue's name stays taken
  bool restore_secrets = false;                ///< put back what we need in the vault
  std::vector<std::string> function_apps;      ///< "DIR" or "DIR=IDENTITY"
  bool test_controls = false;                  ///< `latchkey fault` and `latchkey clock` work
  std::int64_t role_delay_seconds = 0;
};
int run_up(const CommonOptions& common, const UpOptions& options);
int run_cloud(const CommonOptions& common, const UpOptions& options);

struct DataOptions {
  std::string action;  ///< check, export, import
  std::string file;    ///< export, import; empty: standard output or input
};
int run_cloud_data(const CommonOptions& common, const DataOptions& options);

int run_serve(const CommonOptions& common);
int run_watch(const CommonOptions& common);
int run_number(const CommonOptions& common);
int run_handler(const CommonOptions& common);

struct QueueOptions {
  std::string action;  ///< the subcommand's name
  std::string queue;
  std::string account;              ///< of the local cloud; empty: the first, or the environment's
  std::string prefix;               ///< list
  std::optional<std::string> text;  ///< put, update; "-" for standard input
  std::string id;                   ///< update, remove: which message
  std::string pop_receipt;
  int count = 32;
  std::optional<int> visibility_seconds;
  std::optional<int> time_to_live_seconds;  ///< -1: never expires
  bool json = false;
};
int run_queue(const CommonOptions& common, const QueueOptions& options);

struct CodeOptions {
  std::string action;  ///< new, verify, show, revoke
  std::string code;    ///< verify: the code; show, revoke: its id
  std::string subject;
  std::string purpose;
  std::int64_t lifetime_seconds = 0;  ///< 0: the API's own
  std::string url;
};
int run_code(const CommonOptions& common, const CodeOptions& options);

struct AuditOptions {
  std::string folder;              ///< empty: audit in the data folder
  std::vector<std::string> heads;  ///< "chain:seq:hash", as the log's audit_head lines have them
};
int run_audit_verify(const CommonOptions& common, const AuditOptions& options);

struct ApiKeyOptions {
  std::string name;
  std::vector<std::string> roles;
};
int run_api_key_new(const CommonOptions& common, const ApiKeyOptions& options);

struct UserOptions {
  std::string action;  ///< add, remove, list
  std::string name;
};
int run_user(const CommonOptions& common, const UserOptions& options);
int run_outbox(const CommonOptions& common, const std::string& user);

struct AppOptions {
  std::string identity = "app";
  std::string form = "app-service";  ///< see identity_form()
  std::string account;               ///< env: whose connection string; empty: devstoreaccount1
  bool json = false;                 ///< env
  bool private_trust = false;        ///< run
  std::vector<std::string> command;  ///< run: the program and its arguments
};
/// As options say, made when it is missing: see app_identity().
Result<AppIdentity> identity_for_app(const RunningCloud& running, const AppOptions& options);
int run_env(const CommonOptions& common, const AppOptions& options);
int run_app(const CommonOptions& common, const AppOptions& options);

struct IdentityOptions {
  std::string action;  ///< list, create, show, delete, attach, detach, add, remove, rotate-key
  std::string name;
  bool user_assigned = false;
  bool service_principal = false;
  bool json = false;
  std::string app{};         ///< attach, detach
  std::string credential{};  ///< remove: its id
  bool secret = false;       ///< add: one of the next four
  std::int64_t days = 0;     ///< a secret's life; 0: two years
  std::string certificate{};
  std::string issuer{};
  std::string subject{};
  std::string audience{};
  std::string keys{};
  std::string display_name{};
  std::string output{};  ///< add: the file for the secret
};
int run_identity(const CommonOptions& common, const IdentityOptions& options);

struct RoleOptions {
  std::string action;     ///< list, assign, remove, explain, definitions, create, delete
  std::string assignee;   ///< an identity's name, client id or object id
  std::string role;       ///< name or id
  std::string operation;  ///< explain: "get-secret", or a data action
  std::string file;       ///< create: the definition
  // The scope; without any, the storage account.
  std::string scope;
  std::string account;
  std::string queue;
  std::string vault;
  std::string secret;
  bool resource_group = false;
  bool subscription = false;
  bool json = false;
};
int run_role(const CommonOptions& common, const RoleOptions& options);

struct FaultOptions {
  std::string action;   ///< set, list, clear
  std::string service;  ///< clear: empty for all
  std::string kind;
  double rate = 1;
  std::optional<std::uint64_t> count;
  std::string delay = "2s";
  int retry_after = 1;  ///< seconds
  bool json = false;
};
int run_fault(const CommonOptions& common, const FaultOptions& options);
/// `move`: show, reset, or a duration such as "+10m" or "-5s".
int run_clock(const CommonOptions& common, const std::string& move);

struct DoctorOptions {
  std::string identity;  ///< of the local cloud; empty: the environment's settings, else api
  std::string part;      ///< api, watcher, all; empty: by the identity
  bool json = false;
};
int run_doctor(const CommonOptions& common, const DoctorOptions& options);

/// Reads the command line and runs the command.
int run_command_line(int argc, char** argv);

}  // namespace latchkey::app
