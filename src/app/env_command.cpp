#include <fmt/format.h>

#include "app/command_world.hpp"
#include "app/commands.hpp"
#include "app/running_cloud.hpp"

/// `latchkey env`: the exports that point any SDK app at the local cloud.
namespace latchkey::app {
namespace {

/// A value in single quotes, safe for every shell.
std::string shell_quoted(std::string_view value) {
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out.push_back(c);
    }
  }
  return out + "'";
}

}  // namespace

int run_env(const CommonOptions& common, const std::string& identity) {
  auto running = read_running_cloud(common.data);
  if (!running) return report(running.error());
  auto environment = environment_for(*running, identity);
  if (!environment) return report(environment.error());
  for (const auto& [name, value] : environment->all()) {
    fmt::print("export {}={}\n", name, shell_quoted(value));
  }
  return 0;
}

}  // namespace latchkey::app
