#include <fmt/format.h>

#include <boost/json.hpp>

#include "app/command_world.hpp"
#include "app/commands.hpp"
#include "service/api_keys.hpp"

/// `latchkey api-key new`: a key for an app, and the entry that lets the API know it by its hash.
namespace latchkey::app {
namespace {

Result<std::vector<service::Role>> parse_roles(const std::vector<std::string>& names) {
  std::vector<service::Role> roles;
  for (const auto& name : names) {
    const auto role = service::role_from(name);
    if (!role) {
      return fail(
          ErrorKind::invalid_argument, "UnknownRole",
          fmt::format("--role is \"{}\": it is Codes.Issue, Codes.Verify or Codes.Admin", name));
    }
    roles.push_back(*role);
  }
  return roles;
}

/// What the API could not read must not go into the vault.
Result<> check_entry(const ApiKeyOptions& options) {
  const boost::json::object entry = {{"name", options.name},
                                     {"sha256", std::string(64, '0')},
                                     {"roles", boost::json::value_from(options.roles)}};
  auto readable = service::parse_api_keys(boost::json::serialize(boost::json::array{entry}));
  if (!readable) return fail(readable.error());
  return {};
}

}  // namespace

int run_api_key_new(const CommonOptions&, const ApiKeyOptions& options) {
  auto roles = parse_roles(options.roles);
  if (!roles) return report(roles.error());
  if (auto possible = check_entry(options); !possible) return report(possible.error());
  SystemRandom random;
  const auto made = service::render_new_api_key(options.name, *roles, random);
  fmt::print(
      "The key, for the app alone; it is shown this once:\n{}\n\n"
      "Its entry for the JSON array in the vault's secret API_KEYS_SECRET_NAME:\n{}\n",
      made.key.reveal(), made.json_entry);
  return 0;
}

}  // namespace latchkey::app
