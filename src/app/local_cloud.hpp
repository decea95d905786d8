#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "app/running_cloud.hpp"
#include "app/settings.hpp"
#include "app/world.hpp"
#include "cloud/cloud.hpp"

namespace latchkey::app {

/// "auto", or a comma list such as "api=8080,queue=0" over the default ports.
struct Ports {
  std::uint16_t api = 8080;
  cloud::CloudPorts cloud;
};
/// Error: invalid_argument, naming what was found and what is allowed.
Result<Ports> parse_ports(std::string_view text);

/// The local cloud with what the walkthrough's provisioning script makes: queue, vault secrets, the
/// number function with its key, and one identity for each part with the least roles it can work
/// with. Runs wholly on `world.executor`.
class LocalCloud {
 public:
  /// `restore_secrets`: what latchkey needs in the vault is put back, although a person deleted or
  /// changed it.
  static Task<Result<std::unique_ptr<LocalCloud>>> start(cloud::CloudOptions options, World world,
                                                         bool restore_secrets);
  /// Runs the function apps, each "DIR" or "DIR=IDENTITY" (else as identity app), which is made,
  /// without roles, when there is none. `own` is our environment: apps get what `latchkey run`
  /// would give them. A line for each function, for people. Errors as Cloud::start_function_app.
  Task<Result<std::vector<std::string>>> start_function_apps(std::vector<std::string> apps,
                                                             Environment own);
  /// What other processes, and our own parts, need to know.
  const RunningCloud& running() const { return running_; }
  Task<> stop(std::chrono::milliseconds grace) { co_await cloud_->stop(grace); }

 private:
  LocalCloud() = default;
  Task<Result<>> provision(World world, bool restore_secrets);
  Task<Result<>> provision_secrets(World world, bool restore);
  Task<Result<>> recover_secrets();
  Task<Result<>> keep_secret(std::string name, Secret value);
  Task<Result<>> provision_identities();
  Task<Result<>> start_function_app(std::string folder, std::string identity, Environment own);
  std::vector<std::string> function_addresses() const;
  Task<Result<>> grant(std::string identity, std::string_view role, std::string scope);

  std::unique_ptr<cloud::Cloud> cloud_;
  RunningCloud running_;
};

}  // namespace latchkey::app
