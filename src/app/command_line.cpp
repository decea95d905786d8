#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "app/command_world.hpp"
#include "app/commands.hpp"
#include "app/names.hpp"
#include "app/running_cloud.hpp"
#include "app/subcommand.hpp"
#include "base/log.hpp"
#include "cloud/cloud.hpp"

/// The command line: which commands and options there are.
namespace latchkey::app {

CLI::App* command(CLI::App& parent, Run& chosen, const char* name, const char* help, Run run) {
  auto* made = parent.add_subcommand(name, help);
  made->fallthrough();
  // A command's own commands come first: `cloud check` is no `cloud`.
  made->callback([&chosen, run = std::move(run)] {
    if (!chosen) chosen = run;
  });
  return made;
}

namespace {

void add_cloud_data(CLI::App& cloud, Run& chosen) {
  auto options = std::make_shared<DataOptions>();
  const std::pair<const char*, const char*> actions[] = {
      {"check", "Read all of the queues' file and tell what is wrong with it"},
      {"export", "Save queues and messages as JSON lines; what is damaged is told and left out"},
      {"import", "Add what export saved, all or nothing"}};
  for (const auto& [action_name, help] : actions) {
    const char* action = action_name;
    auto* made = command(cloud, chosen, action, help, [options, action](const CommonOptions& c) {
      options->action = action;
      return run_cloud_data(c, *options);
    });
    if (std::string_view(action) == "check") continue;
    made->add_option("file", options->file, "Default: standard output or input");
  }
}

void add_running(CLI::App& app, Run& chosen) {
  auto options = std::make_shared<UpOptions>();
  auto* up =
      command(app, chosen, "up", "Run everything on this machine: API, watcher and local cloud",
              [options](const CommonOptions& c) { return run_up(c, *options); });
  up->add_option("--ports", options->ports,
                 "auto for free ones, or a list such as api=8080,functions=7071,queue=10001,"
                 "vault=8443,identity=8081,proxy=8089");
  up->add_option("--code-lifetime", options->code_lifetime, "How long a code is valid, 1s to 600s")
      ->capture_default_str();
  auto* cloud = command(app, chosen, "cloud", "Run the local cloud alone",
                        [options](const CommonOptions& c) { return run_cloud(c, *options); });
  cloud->add_option("--ports", options->ports, "As with up");
  for (auto* it : {up, cloud}) {
    it->add_flag("--in-memory", options->in_memory, "Keep queues and codes in memory only");
    it->add_option("--account", options->accounts, "A storage account beside devstoreaccount1");
    it->add_option("--vault", options->vaults,
                   "NAME, NAME=rbac or NAME=access-policy: a vault beside latchkey, and who decides"
                   " in it; it stays");
    it->add_option("--vault-recoverable-days", options->vault_recoverable_days,
                   "How long deleted secrets can be recovered")
        ->check(CLI::Range(7, 90))
        ->capture_default_str();
    it->add_flag("--vault-throttle", options->vault_throttle,
                 "Answer 429 beyond 4000 reads or 300 new versions in 10 s, as Azure's vaults do");
    it->add_option("--role-delay", options->role_delay_seconds,
                   "Seconds until a role that is given or taken away holds, as in Azure")
        ->check(CLI::Range(0, 3600));
    it->add_option(
        "--trusted-issuer", options->trusted_issuers,
        "ISSUER=FILE: accept tokens of that issuer too; FILE is its key set (JWKS) or PEM");
    it->add_option("--trusted-audience", options->trusted_audiences,
                   "An audience that those tokens may have beside Azure's own");
    it->add_flag("--restore-secrets", options->restore_secrets,
                 "Put back latchkey's own secrets that were deleted or changed in the vault");
    it->add_option(
        "--functions-app", options->function_apps,
        "DIR or DIR=IDENTITY: a function app with a custom handler, run as that identity "
        "(default: app)");
    it->add_flag("--test-controls", options->test_controls,
                 "Let latchkey fault and latchkey clock work here");
    it->add_option("--queue-deletion-window", options->queue_deletion_window,
                   "Seconds that a deleted queue's name stays taken; some 30 in Azure")
        ->check(CLI::Range(0, 3600))
        ->capture_default_str();
  }
  add_cloud_data(*cloud, chosen);
  command(app, chosen, "serve", "Run the API; settings from the environment", run_serve);
  command(app, chosen, "watch", "Run the queue watcher; settings from the environment", run_watch);
  command(app, chosen, "number", "Run the number API (the walkthrough's third-party function)",
          run_number);
  command(app, chosen, "handler",
          "Run API and watcher as a custom handler of Azure Functions, which starts this",
          run_handler);
}

void add_code(CLI::App& app, Run& chosen) {
  auto options = std::make_shared<CodeOptions>();
  auto* code = app.add_subcommand("code", "Get, check and revoke codes through the API");
  code->fallthrough();
  code->add_option("--url", options->url, "The API's address; else the one that runs here");
  const auto add = [&](const char* name, const char* help) {
    return command(*code, chosen, name, help, [options, name](const CommonOptions& c) {
      options->action = name;
      return run_code(c, *options);
    });
  };
  auto* made = add("new", "Get a code");
  made->add_option("--lifetime", options->lifetime_seconds, "Seconds that it is valid, 1 to 600")
      ->check(CLI::Range(1, 600));
  auto* verify = add("verify", "Check a code and use it up (exit 0: accepted)");
  verify->add_option("code", options->code, "Such as ojE-161-pTv; - reads it from standard input")
      ->required();
  add("show", "Show a code's state, not the code")
      ->add_option("id", options->code, "The id that came with it")
      ->required();
  auto* revoke = add("revoke", "Revoke a code by its id, or all codes of --subject");
  revoke->add_option("id", options->code, "The id that came with it");
  for (auto* it : {made, verify, revoke}) {
    it->add_option("--subject", options->subject, "Whom the code is for");
    it->add_option("--purpose", options->purpose, "What the code is for");
  }
}

void add_trust(CLI::App& app, Run& chosen) {
  auto audit_options = std::make_shared<AuditOptions>();
  auto* audit = app.add_subcommand("audit", "The record of what happened to codes");
  audit->fallthrough();
  auto* verify = command(
      *audit, chosen, "verify", "Check that nothing was changed or taken away (exit 0: nothing)",
      [audit_options](const CommonOptions& c) { return run_audit_verify(c, *audit_options); });
  verify->add_option("--folder", audit_options->folder, "Default: audit in the data folder");
  verify->add_option("--head", audit_options->heads,
                     "CHAIN:SEQ:HASH of a log line audit_head, which must be in the record");

  auto key_options = std::make_shared<ApiKeyOptions>();
  auto* key = app.add_subcommand("api-key", "Keys for apps that call the API");
  key->fallthrough();
  auto* made =
      command(*key, chosen, "new", "Make a key; prints it, and the entry for the vault's secret",
              [key_options](const CommonOptions& c) { return run_api_key_new(c, *key_options); });
  made->add_option("name", key_options->name, "The app's name")->required();
  made->add_option("--role", key_options->roles, "Codes.Issue, Codes.Verify, Codes.Admin")
      ->required();
}

void add_sign_in(CLI::App& app, Run& chosen) {
  auto options = std::make_shared<UserOptions>();
  auto* user = app.add_subcommand("user", "Users of the sign-in pages");
  user->fallthrough();
  const std::pair<const char*, const char*> actions[] = {
      {"add", "Add a user, or change the password, which is read from standard input"},
      {"remove", "Remove a user"},
      {"list", "List the users"}};
  for (const auto& [action_name, help] : actions) {
    const char* action = action_name;
    auto* made = command(*user, chosen, action, help, [options, action](const CommonOptions& c) {
      options->action = action;
      return run_user(c, *options);
    });
    if (std::string_view(action) == "list") continue;
    made->add_option("name", options->name, "The user's name")->required();
  }
  auto name = std::make_shared<std::string>();
  command(app, chosen, "outbox", "Show the newest message that sign-in sent to a user",
          [name](const CommonOptions& c) { return run_outbox(c, *name); })
      ->add_option("name", *name, "The user's name")
      ->required();
}

void add_scope(CLI::App& command, RoleOptions& options) {
  command.add_option("--scope", options.scope, "A resource id; default: the storage account");
  command.add_option("--account", options.account, "That storage account");
  command.add_option("--queue", options.queue, "That queue of the account");
  command.add_option("--vault", options.vault, "That vault; latchkey when no name follows")
      ->expected(0, 1)
      ->default_str(std::string(cloud::Cloud::kVault));
  command.add_option("--secret", options.secret, "That secret of the vault");
  command.add_flag("--resource-group", options.resource_group, "All of the resource group");
  command.add_flag("--subscription", options.subscription, "All that there is");
}

void add_role(CLI::App& app, Run& chosen) {
  auto options = std::make_shared<RoleOptions>();
  auto* role = app.add_subcommand("role", "Roles of the local cloud and who has them");
  role->fallthrough();
  role->add_flag("--json", options->json, "Print JSON");
  const auto add = [&](const char* name, const char* help) {
    return command(*role, chosen, name, help, [options, name](const CommonOptions& c) {
      options->action = name;
      return run_role(c, *options);
    });
  };
  add("list", "Show who has which role where")
      ->add_option("--assignee", options->assignee, "Only of that identity");
  auto* assign = add("assign", "Give an identity a role; it holds from the next call on");
  auto* remove = add("remove", "Take it away again");
  auto* explain = add("explain", "Would it be allowed, and through what? (exit 0: yes)");
  for (auto* made : {assign, remove, explain}) {
    made->add_option("--assignee", options->assignee, "An identity's name, client id or object id")
        ->required();
    add_scope(*made, *options);
  }
  for (auto* made : {assign, remove}) {
    made->add_option("--role", options->role, "The role's name or id")->required();
  }
  explain->add_option("operation", options->operation, "get-secret, put-message ... or an action")
      ->required();
  add("definitions", "Show the roles that there are");
  add("create", "Make or change a custom role")
      ->add_option("file", options->file, "Its definition (JSON), as for az role definition create")
      ->required();
  add("delete", "Delete a custom role")
      ->add_option("role", options->role, "Its name or id")
      ->required();
}

void add_identity_credentials(CLI::App& identity, Run& chosen,
                              const std::shared_ptr<IdentityOptions>& options) {
  auto* credential = identity.add_subcommand("credential", "What an identity signs in with");
  credential->fallthrough();
  const auto add = [&](const char* name, const char* help) {
    auto* made = command(*credential, chosen, name, help, [options, name](const CommonOptions& c) {
      options->action = name;
      return run_identity(c, *options);
    });
    made->add_option("name", options->name, "The identity's name")->required();
    return made;
  };
  auto* added = add("add", "Add a secret, a certificate or a federated issuer");
  added->add_flag("--secret", options->secret, "Make a secret; it is shown once");
  added->add_option("--days", options->days, "How long the secret is good")
      ->check(CLI::Range(1, 730));
  added->add_option("--certificate", options->certificate, "A certificate or public key (PEM)");
  added->add_option("--issuer", options->issuer, "Federated: whose tokens stand for the identity");
  added->add_option("--subject", options->subject, "Federated: the subject of those tokens");
  added->add_option("--audience", options->audience, "Federated: api://AzureADTokenExchange");
  added->add_option("--keys", options->keys,
                    "Federated: a file with the issuer's keys (JWKS, PEM)");
  added->add_option("--display-name", options->display_name, "What you call it");
  added->add_option("--output", options->output, "Write the secret to this file (mode 0600)");
  add("remove", "Remove one; it is good for nothing from now on")
      ->add_option("id", options->credential, "Its id, as identity show tells")
      ->required();
}

void add_identity(CLI::App& app, Run& chosen) {
  auto options = std::make_shared<IdentityOptions>();
  auto* identity = app.add_subcommand("identity", "Identities of the local cloud");
  identity->fallthrough();
  identity->add_flag("--json", options->json, "Print JSON");
  const auto add = [&](const char* name, const char* help) {
    return command(*identity, chosen, name, help, [options, name](const CommonOptions& c) {
      options->action = name;
      return run_identity(c, *options);
    });
  };
  add("list", "Show all identities");
  add("rotate-key", "Sign tokens with a new key; those of the former stay good until they end");
  auto* create = add("create", "Make an identity, without any role");
  create->add_flag("--user-assigned", options->user_assigned, "One that is attached to apps");
  create->add_flag("--service-principal", options->service_principal,
                   "One that signs in by itself, with a secret, certificate or federated token");
  auto* attach = add("attach", "Let an app use a user-assigned identity");
  auto* detach = add("detach", "Take it from the app again");
  for (auto* made : {create, add("show", "Show one with its credentials"),
                     add("delete", "Delete one with its credentials"), attach, detach}) {
    made->add_option("name", options->name, "The identity's name")->required();
  }
  for (auto* made : {attach, detach}) {
    made->add_option("--app", options->app, "The app's (system-assigned) identity")->required();
  }
  add_identity_credentials(*identity, chosen, options);
}

struct LogOptions {
  std::string level = "info";
  std::string format = "text";
};

void configure_log(const LogOptions& options) {
  using log::Level;
  const Level level = options.level == "debug"     ? Level::debug
                      : options.level == "warning" ? Level::warning
                      : options.level == "error"   ? Level::error
                                                   : Level::info;
  log::configure(level, options.format == "json" ? log::Format::json : log::Format::text);
}

}  // namespace

int run_command_line(int argc, char** argv) {
  CommonOptions common;
  common.environment = Environment::of_process();
  common.program = argc > 0 ? argv[0] : "latchkey";
  common.data = default_data_folder(common.environment);

  CLI::App app("Short-lived two-factor codes for apps on Azure, with the whole cloud they need.",
               "latchkey");
  app.set_version_flag("--version", LATCHKEY_VERSION);
  std::string data;
  LogOptions log_options;
  auto* data_option =
      app.add_option("--data", data, "The data folder (default: " + common.data.string() + ")");
  app.add_option("--log-level", log_options.level, "debug, info, warning or error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  app.add_option("--log-format", log_options.format, "text or json")
      ->check(CLI::IsMember({"text", "json"}));

  Run chosen;
  add_running(app, chosen);
  add_queue_commands(app, chosen);
  add_code(app, chosen);
  add_trust(app, chosen);
  add_sign_in(app, chosen);
  add_app_commands(app, chosen);
  add_role(app, chosen);
  add_identity(app, chosen);
  add_test_control_commands(app, chosen);
  add_doctor_command(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : 2;
  }
  if (!chosen) {
    fmt::print(stderr, "latchkey: say which command; {} --help lists them\n", common.program);
    return 2;
  }
  if (data_option->count() > 0) {
    common.data = std::filesystem::absolute(data);
    common.data_given = true;
  }
  configure_log(log_options);
  return chosen(common);
}

}  // namespace latchkey::app
