#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <boost/json.hpp>

#include "app/app_environment.hpp"
#include "app/command_world.hpp"
#include "app/commands.hpp"
#include "app/names.hpp"
#include "app/running_cloud.hpp"
#include "http/url.hpp"

/// `latchkey env`: the settings that point a program at the local cloud's own addresses.
namespace latchkey::app {
namespace {

/// Whether the system's resolver, which most languages ask, knows the vault's name. A bare Debian
/// does not know *.localhost.
bool resolves(const std::string& vault) {
  const auto url = http::parse_url(vault);
  addrinfo* found = nullptr;
  if (!url || ::getaddrinfo(url->host.c_str(), nullptr, nullptr, &found) != 0) return false;
  ::freeaddrinfo(found);
  return true;
}

void warn(const std::string& vault, const Environment& made) {
  const auto url = http::parse_url(vault);
  fmt::print(
      stderr,
      "latchkey: {0} does not resolve on this machine, so KEY_VAULT_URL is {1}; Azure's SDKs "
      "for Python, JavaScript and Go refuse that unless told not to verify the challenge's "
      "resource. Install libnss-myhostname, or add \"127.0.0.1 {0}\" to /etc/hosts, or use "
      "latchkey run\n",
      url ? url->host : vault, made.get("KEY_VAULT_URL"));
}

void print_json(const Environment& made) {
  boost::json::object document;
  for (const auto& [name, value] : made.all()) document[name] = value;
  fmt::print("{}\n", boost::json::serialize(document));
}

}  // namespace

int run_env(const CommonOptions& common, const AppOptions& options) {
  auto running = read_running_cloud(common.data);
  if (!running) return report(running.error());
  auto identity = identity_for_app(*running, options);
  if (!identity) return report(identity.error());
  const std::string& vault = running->endpoints["vault"];
  const bool found = resolves(vault);
  auto made = direct_environment(*running, *identity, found);
  const std::string account(options.account.empty() ? kAccountName : options.account);
  auto connection = running->connection_string(account);
  if (!connection) return report(connection.error());
  made.set("AZURE_STORAGE_CONNECTION_STRING", std::move(*connection));
  if (!found) warn(vault, made);
  if (options.json) {
    print_json(made);
    return 0;
  }
  for (const auto& [name, value] : made.all()) {
    fmt::print("export {}={}\n", name, shell_quoted(value));
  }
  return 0;
}

}  // namespace latchkey::app
