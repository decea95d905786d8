#include <fmt/format.h>

#include <boost/json.hpp>

#include "app/command_world.hpp"
#include "app/commands.hpp"
#include "app/management_client.hpp"

/// `latchkey identity ...`: identities of the local cloud and what they prove themselves with,
/// through its management plane, as the operator. Secrets are shown where they are made and nowhere
/// else.
namespace latchkey::app {
namespace {

namespace json = boost::json;

void print_json(const json::object& object) {
  fmt::print("{}\n", json::serialize(object));
}

std::string_view short_kind(std::string_view kind) {
  if (kind == "systemAssigned") return "system";
  return kind == "userAssigned" ? "user-assigned" : "service principal";
}

const json::array& rows_of(const json::object& object, std::string_view name) {
  static const json::array kNone;
  const auto* found = object.if_contains(name);
  return found != nullptr && found->is_array() ? found->get_array() : kNone;
}

/// What distinguishes a credential: a secret's hint, a thumbprint, or issuer and subject.
std::string about(const json::object& credential) {
  const auto kind = member_of(credential, "kind");
  if (kind == "secret") return member_of(credential, "hint") + "...";
  if (kind == "certificate") return member_of(credential, "thumbprint");
  return fmt::format("{} {}", member_of(credential, "issuer"), member_of(credential, "subject"));
}

void print_identity(const json::object& identity) {
  const auto facts = identity_facts(identity);
  fmt::print("{}, {}\n  client id  {}\n  object id  {}\n", facts.name, short_kind(facts.kind),
             facts.client_id, facts.object_id);
  const auto* properties = identity.if_contains("properties");
  if (properties == nullptr || !properties->is_object()) return;
  for (const auto& row : rows_of(properties->get_object(), "attached")) {
    fmt::print("  may use    {}\n", std::string_view(row.as_string()));
  }
  for (const auto& row : rows_of(properties->get_object(), "credentials")) {
    const auto& credential = row.as_object();
    const auto ends = member_of(credential, "endsOn");
    fmt::print("  {:<10} {}  {}{}{}\n", member_of(credential, "kind"), member_of(credential, "id"),
               about(credential), ends.empty() ? "" : "  until ", ends);
  }
}

Result<json::object> credential_body(const IdentityOptions& options) {
  json::object properties;
  if (!options.display_name.empty()) properties["name"] = options.display_name;
  const int kinds = static_cast<int>(options.secret) + (options.certificate.empty() ? 0 : 1) +
                    (options.issuer.empty() ? 0 : 1);
  if (kinds != 1) {
    return fail(ErrorKind::invalid_argument, "WhichCredential",
                "say one of --secret, --certificate FILE, or --issuer URL with --subject TEXT");
  }
  if (options.secret) {
    properties["kind"] = "secret";
    if (options.days > 0) properties["lifeSeconds"] = options.days * 86'400;
  } else if (!options.certificate.empty()) {
    auto pem = read_file(options.certificate);
    if (!pem) return fail(pem.error());
    properties["kind"] = "certificate";
    properties["pem"] = *pem;
  } else {
    properties["kind"] = "federated";
    properties["issuer"] = options.issuer;
    properties["subject"] = options.subject;
    if (!options.audience.empty()) {
      properties["audiences"] = json::array{json::string(options.audience)};
    }
    if (!options.keys.empty()) {
      auto keys = read_file(options.keys);
      if (!keys) return fail(keys.error());
      properties["keys"] = *keys;
    }
  }
  json::object body;
  body["properties"] = std::move(properties);
  return body;
}

/// To the file, which only its owner may read, else to standard output.
int hand_out(const json::object& made, const IdentityOptions& options) {
  const auto secret = member_of(made, "secretText");
  if (secret.empty()) {
    fmt::print("added {}\n", member_of(made, "id"));
    return 0;
  }
  if (!options.output.empty()) {
    auto written = write_file(options.output, secret + "\n", 0600);
    if (!written) return report(written.error());
    fmt::print("added {}; the secret is in {}\n", member_of(made, "id"), options.output);
    return 0;
  }
  if (options.json) {
    print_json(made);
  } else {
    fmt::print("{}\n", secret);
    fmt::print(stderr, "This is secret {}; it is not shown again.\n", member_of(made, "id"));
  }
  return 0;
}

Task<int> list(ManagementClient& management, const IdentityOptions& options) {
  auto all = co_await management.get(management.identity_path());
  if (!all) co_return report(all.error());
  if (options.json) {
    print_json(*all);
    co_return 0;
  }
  fmt::print("{:<20} {:<18} {:<36} {}\n", "NAME", "KIND", "CLIENT ID", "OBJECT ID");
  for (const auto& row : rows_of(*all, "value")) {
    const auto facts = identity_facts(row.as_object());
    fmt::print("{:<20} {:<18} {:<36} {}\n", facts.name, short_kind(facts.kind), facts.client_id,
               facts.object_id);
  }
  co_return 0;
}

Task<int> create(ManagementClient& management, const IdentityOptions& options) {
  std::string kind = "systemAssigned";
  if (options.user_assigned) kind = "userAssigned";
  if (options.service_principal) kind = "servicePrincipal";
  auto made = co_await ensure_identity(management, options.name, kind);
  if (!made) co_return report(made.error());
  auto whole = co_await management.get(management.identity_path(options.name));
  if (!whole) co_return report(whole.error());
  if (options.json) {
    print_json(*whole);
  } else {
    print_identity(*whole);
  }
  co_return 0;
}

Task<int> show(ManagementClient& management, const IdentityOptions& options) {
  auto there = co_await find_identity(management, options.name);
  if (!there) co_return report(there.error());
  co_return co_await create(management, {.action = {},
                                         .name = options.name,
                                         .user_assigned = there->kind == "userAssigned",
                                         .service_principal = there->kind == "servicePrincipal",
                                         .json = options.json});
}

Task<int> remove(ManagementClient& management, const IdentityOptions& options) {
  auto there = co_await find_identity(management, options.name);
  if (!there) co_return report(there.error());
  auto path = management.identity_path(options.name);
  if (!options.credential.empty()) path += "/credentials/" + options.credential;
  auto done = co_await management.remove(std::move(path));
  if (!done) co_return report(done.error());
  fmt::print("removed\n");
  co_return 0;
}

Task<int> add_credential(ManagementClient& management, const IdentityOptions& options) {
  auto body = credential_body(options);
  if (!body) co_return report(body.error());
  auto there = co_await find_identity(management, options.name);
  if (!there) co_return report(there.error());
  auto path = management.identity_path(options.name) + "/credentials";
  auto made = co_await management.post(std::move(path), std::move(*body));
  if (!made) co_return report(made.error());
  co_return hand_out(*made, options);
}

Task<int> change_attached(ManagementClient& management, const IdentityOptions& options) {
  auto path = fmt::format("{}/attached/{}", management.identity_path(options.app), options.name);
  const bool on = options.action == "attach";
  Result<json::object> done;
  if (on) {
    done = co_await management.put(std::move(path), json::object{});
  } else {
    done = co_await management.remove(std::move(path));
  }
  if (!done) co_return report(done.error());
  fmt::print("{}\n", on ? "attached" : "detached");
  co_return 0;
}

Task<int> rotate(ManagementClient& management) {
  auto path = management.resource_group() + "/providers/Latchkey.Identity/rotateSigningKey";
  auto done = co_await management.post(std::move(path), json::object{});
  if (!done) co_return report(done.error());
  fmt::print(
      "tokens are signed with key {} now; those of the former key stay good until they "
      "end\n",
      member_of(*done, "keyId"));
  co_return 0;
}

Task<int> run_action(const RunningCloud& running, const IdentityOptions& options, World world) {
  auto management = ManagementClient::open(running, world);
  if (!management) co_return report(management.error());
  using Action = Task<int> (*)(ManagementClient&, const IdentityOptions&);
  const std::pair<std::string_view, Action> actions[] = {{"list", list},
                                                         {"create", create},
                                                         {"show", show},
                                                         {"delete", remove},
                                                         {"remove", remove},
                                                         {"add", add_credential},
                                                         {"attach", change_attached},
                                                         {"detach", change_attached}};
  for (const auto& [name, action] : actions) {
    if (name == options.action) co_return co_await action(**management, options);
  }
  co_return co_await rotate(**management);
}

}  // namespace

int run_identity(const CommonOptions& common, const IdentityOptions& options) {
  auto running = read_running_cloud(common.data);
  if (!running) return report(running.error());
  CommandWorld world;
  return world.run([&](World inside) { return run_action(*running, options, inside); });
}

}  // namespace latchkey::app
