#include "app/doctor_remedies.hpp"

#include <fmt/format.h>

#include "app/names.hpp"

namespace latchkey::app {
namespace {

constexpr std::string_view kFunctionsDomain = ".azurewebsites.net";

std::string first_label(const http::Url& url) {
  return url.host.substr(0, url.host.find('.'));
}

std::string last_segment(const http::Url& url) {
  return url.path.substr(url.path.rfind('/') + 1);
}

/// Storage accounts of the local cloud are a segment of the path, those of Azure a host.
std::string account_name(const Place& place) {
  const auto& url = place.queue;
  if (!http::is_loopback_host(url.host)) return first_label(url);
  const auto end = url.path.find('/', 1);
  return end == std::string::npos ? first_label(url) : url.path.substr(1, end - 1);
}

std::string latchkey(const Place& place, std::string_view command) {
  std::string data;
  if (!place.data.empty()) data = fmt::format(" --data '{}'", place.data);
  return fmt::format("{} {}{}", place.program, command, data);
}

std::string assignee(const Place& place) {
  return place.assignee.empty() ? "OBJECT_ID" : place.assignee;
}

std::string az_assign(const Place& place, std::string_view role, std::string_view scope) {
  return fmt::format("az role assignment create --assignee {} --role \"{}\" --scope \"{}\"",
                     assignee(place), role, scope);
}

std::string az_set_secret(const Place& place, std::string_view secret, std::string_view value) {
  return fmt::format("az keyvault secret set --vault-name {} --name {} {}", vault_name(place),
                     secret, value);
}

std::string restore_local_secrets(const Place& place) {
  return "start the local cloud again so: " + latchkey(place, "up --restore-secrets");
}

}  // namespace

Place place_of(const ServiceSettings& settings) {
  Place place;
  // The settings have been checked: these are URLs.
  if (auto vault = http::parse_url(settings.key_vault_url)) place.vault = std::move(*vault);
  if (auto queue = http::parse_url(settings.queue_urls.front())) place.queue = std::move(*queue);
  place.number = settings.number_endpoint;
  return place;
}

std::string vault_name(const Place& place) {
  return place.vault.host == "localhost" ? "latchkey" : first_label(place.vault);
}

std::string queue_name(const Place& place) {
  return last_segment(place.queue);
}

std::string assign_on_queue(const Place& place, std::string_view role) {
  if (http::is_loopback_host(place.queue.host)) {
    return latchkey(place, fmt::format("role assign --assignee {} --role \"{}\" --queue {}",
                                       assignee(place), role, queue_name(place)));
  }
  return az_assign(place, role,
                   fmt::format("$(az storage account show --name {} --query id --output tsv)"
                               "/queueServices/default/queues/{}",
                               account_name(place), queue_name(place)));
}

std::string assign_on_secret(const Place& place, std::string_view secret) {
  constexpr std::string_view kRole = "Key Vault Secrets User";
  if (!http::is_loopback_host(place.vault.host)) {
    return az_assign(place, kRole,
                     fmt::format("$(az keyvault show --name {} --query id --output tsv)/secrets/{}",
                                 vault_name(place), secret));
  }
  const auto scope = fmt::format("{}/providers/Microsoft.KeyVault/vaults/{}/secrets/{}",
                                 place.resource_group, vault_name(place), secret);
  return latchkey(place,
                  fmt::format("role assign --assignee {} --role \"{}\" {}", assignee(place), kRole,
                              place.resource_group.empty() ? "--vault" : "--scope " + scope));
}

std::string create_queue(const Place& place) {
  if (http::is_loopback_host(place.queue.host)) {
    return latchkey(place, fmt::format("queue create --queue {} --account {}", queue_name(place),
                                       account_name(place)));
  }
  return fmt::format("az storage queue create --name {} --account-name {} --auth-mode login",
                     queue_name(place), account_name(place));
}

std::string set_number_key(const Place& place, std::string_view secret) {
  if (http::is_loopback_host(place.vault.host)) return restore_local_secrets(place);
  if (!place.number.host.ends_with(kFunctionsDomain)) {
    return "write the third party's key into a file, then " +
           az_set_secret(place, secret, "--file FILE");
  }
  const auto app = first_label(place.number);
  return az_set_secret(
      place, secret,
      fmt::format("--value \"$(az functionapp function keys list --name {0} --resource-group "
                  "\"$(az functionapp list --query \"[?name=='{0}'].resourceGroup\" --output "
                  "tsv)\" --function-name {1} --query default --output tsv)\"",
                  app, last_segment(place.number)));
}

std::string set_pepper(const Place& place, std::string_view secret) {
  if (http::is_loopback_host(place.vault.host)) return restore_local_secrets(place);
  return az_set_secret(place, secret, "--value \"$(openssl rand -hex 32)\"");
}

}  // namespace latchkey::app
