#include "app/app_identity.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <chrono>
#include <cstdio>

#include "app/management_client.hpp"

namespace latchkey::app {
namespace {

namespace json = boost::json;

constexpr std::string_view kSystemAssigned = "systemAssigned";
constexpr std::string_view kUserAssigned = "userAssigned";
constexpr std::string_view kServicePrincipal = "servicePrincipal";
constexpr std::chrono::days kSecretLife{365};

std::filesystem::path secrets_file(const RunningCloud& running) {
  return running.data / "client-secrets.json";
}

/// Secrets by client id: an identity that was deleted and made again has another one.
json::object read_secrets(const RunningCloud& running) {
  const auto text = read_file(secrets_file(running));
  json::error_code error;
  auto value = json::parse(text ? *text : "{}", error);
  return error || !value.is_object() ? json::object{} : std::move(value.get_object());
}

Task<Result<Secret>> client_secret(ManagementClient& management, IdentityFacts identity) {
  const RunningCloud& running = management.running();
  json::object kept = read_secrets(running);
  const auto* known = kept.if_contains(identity.client_id);
  if (known != nullptr && known->is_string()) co_return Secret(std::string(known->get_string()));
  auto made = co_await new_client_secret(management, identity.name, kSecretLife);
  if (!made) co_return fail(made.error());
  kept[identity.client_id] = made->reveal();
  auto written = write_file(secrets_file(running), json::serialize(kept), 0600);
  if (!written) co_return fail(written.error());
  co_return std::move(*made);
}

Task<Result<IdentityFacts>> find_or_make(ManagementClient& management, std::string name,
                                         std::string_view kind) {
  auto found = co_await find_identity(management, name);
  if (found || found.error().kind != ErrorKind::not_found) co_return found;
  auto made = co_await ensure_identity(management, name, std::string(kind));
  if (!made) co_return fail(made.error());
  fmt::print(stderr,
             "latchkey: made the identity \"{0}\"; it has no role yet, so that everything refuses "
             "it (latchkey role assign --assignee {0} --role ROLE ...)\n",
             name);
  co_return made;
}

Result<> check_kind(const IdentityFacts& identity, IdentityForm form) {
  const bool is_principal = identity.kind == kServicePrincipal;
  if (is_principal == (form == IdentityForm::client_secret)) return {};
  return fail(ErrorKind::conflict, "WrongKindOfIdentity",
              is_principal
                  ? fmt::format("\"{}\" is a service principal: use --identity client-secret",
                                identity.name)
                  : fmt::format("\"{}\" is a managed identity and has no client secret: name a "
                                "service principal with --as (a new name makes one)",
                                identity.name));
}

}  // namespace

std::optional<IdentityForm> identity_form(std::string_view text) {
  if (text == "app-service") return IdentityForm::app_service;
  if (text == "imds") return IdentityForm::imds;
  if (text == "client-secret") return IdentityForm::client_secret;
  return std::nullopt;
}

Task<Result<AppIdentity>> app_identity(RunningCloud running, std::string name, IdentityForm form,
                                       World world) {
  auto management = ManagementClient::open(std::move(running), world);
  if (!management) co_return fail(management.error());
  const bool by_secret = form == IdentityForm::client_secret;
  const auto kind = by_secret ? kServicePrincipal : kSystemAssigned;
  auto facts = co_await find_or_make(**management, std::move(name), kind);
  if (!facts) co_return fail(facts.error());
  if (auto fits = check_kind(*facts, form); !fits) co_return fail(fits.error());
  AppIdentity identity{.name = facts->name,
                       .client_id = facts->client_id,
                       .form = form,
                       .is_user_assigned = facts->kind == kUserAssigned};
  if (by_secret) {
    auto secret = co_await client_secret(**management, *facts);
    if (!secret) co_return fail(secret.error());
    identity.client_secret = std::move(*secret);
  } else {
    auto header = co_await identity_header(**management, facts->name);
    if (!header) co_return fail(header.error());
    identity.identity_header = std::move(*header);
  }
  co_return identity;
}

}  // namespace latchkey::app
