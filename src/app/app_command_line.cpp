#include <memory>

#include "app/subcommand.hpp"

namespace latchkey::app {

void add_app_commands(CLI::App& app, Run& chosen) {
  auto options = std::make_shared<AppOptions>();
  auto* run = command(app, chosen, "run",
                      "Run a program with production addresses on the local cloud: -- COMMAND ...",
                      [options](const CommonOptions& c) { return run_app(c, *options); });
  run->add_flag("--private-trust", options->private_trust,
                "Show the program our authority in the system's own file (Linux namespaces)");
  run->add_option("command", options->command, "The program and its arguments, behind --")
      ->required();
  auto* env = command(app, chosen, "env", "Print the exports that point a program at our addresses",
                      [options](const CommonOptions& c) { return run_env(c, *options); });
  env->add_flag("--json", options->json, "Print JSON");
  env->add_option("--account", options->account, "The storage account of the connection string");
  for (auto* it : {run, env}) {
    it->add_option("--as", options->identity, "The identity to use; made when there is none")
        ->capture_default_str();
    it->add_option("--identity", options->form, "How: app-service, imds or client-secret")
        ->check(CLI::IsMember({"app-service", "imds", "client-secret"}))
        ->capture_default_str();
  }
}

}  // namespace latchkey::app
