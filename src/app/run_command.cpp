#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "app/app_environment.hpp"
#include "app/app_identity.hpp"
#include "app/command_world.hpp"
#include "app/commands.hpp"
#include "app/private_trust.hpp"
#include "app/running_cloud.hpp"

/// `latchkey run -- COMMAND`: becomes the command, with an environment in which Azure is here.
namespace latchkey::app {
namespace {

// As shells have it.
constexpr int kNotExecutable = 126;
constexpr int kNotFound = 127;

std::vector<std::string> child_environment(const Environment& own, const Environment& given) {
  std::vector<std::string> entries;
  for (const auto& [name, value] : own.all()) {
    if (!is_withheld(name) && !given.all().contains(name)) entries.push_back(name + "=" + value);
  }
  for (const auto& [name, value] : given.all()) entries.push_back(name + "=" + value);
  return entries;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> made;
  made.reserve(texts.size() + 1);
  for (std::string& text : texts) made.push_back(text.data());
  made.push_back(nullptr);
  return made;
}

/// Comes back only with an exit code for what went wrong. The secrets are in the environment, which
/// nobody but this user may read, and not among the arguments.
int become(std::vector<std::string> command, std::vector<std::string> environment) {
  auto arguments = pointers(command);
  auto variables = pointers(environment);
  std::signal(SIGPIPE, SIG_DFL);  // We ignore it, and exec would hand that on.
  ::execvpe(arguments.front(), arguments.data(), variables.data());
  const int cause = errno;
  fmt::print(stderr, "latchkey: cannot run {}: {}\n", command.front(), std::strerror(cause));
  return cause == ENOENT ? kNotFound : kNotExecutable;
}

Task<int> keep(Task<Result<AppIdentity>> asking, Result<AppIdentity>& answer) {
  answer = co_await std::move(asking);
  co_return 0;
}

}  // namespace

Result<AppIdentity> identity_for_app(const RunningCloud& running, const AppOptions& options) {
  const auto form = identity_form(options.form);
  if (!form) {
    return fail(
        ErrorKind::invalid_argument, "InvalidForm",
        fmt::format("--identity is app-service, imds or client-secret, not \"{}\"", options.form));
  }
  Result<AppIdentity> identity = fail(Error{});
  CommandWorld world;
  world.run([&](World inside) {
    return keep(app_identity(running, options.identity, *form, inside), identity);
  });
  return identity;
}

int run_app(const CommonOptions& common, const AppOptions& options) {
  auto running = read_running_cloud(common.data);
  if (!running) return report(running.error());
  auto identity = identity_for_app(*running, options);
  if (!identity) return report(identity.error());
  const auto given = proxy_environment(*running, *identity);
  std::error_code ignored;
  std::filesystem::create_directories(given.get("AZURE_CONFIG_DIR"), ignored);
  if (options.private_trust) {
    auto entered = enter_private_trust(running->bundle_file());
    if (!entered) return report(entered.error());
  }
  return become(options.command, child_environment(common.environment, given));
}

}  // namespace latchkey::app
