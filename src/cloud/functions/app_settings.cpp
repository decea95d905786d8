#include "cloud/functions/app_settings.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "http/url.hpp"
#include "wire/connection_string.hpp"

namespace latchkey::cloud {
namespace {

constexpr std::string_view kFile = "local.settings.json";
constexpr std::string_view kPrefix = "AzureWebJobs";
constexpr std::string_view kDefaultConnection = "AzureWebJobsStorage";

const std::string* find(const AppSettings& settings, const std::string& name) {
  const auto found = settings.find(name);
  return found == settings.end() || found->second.empty() ? nullptr : &found->second;
}

tl::unexpected<Error> wrong(std::string message) {
  return fail(ErrorKind::invalid_argument, "InvalidConnection", std::move(message));
}

Result<QueueConnection> by_string(std::string name, const std::string& text) {
  auto parsed = wire::parse_connection_string(text);
  if (!parsed) return wrong(fmt::format("setting {}: {}", name, parsed.error().message));
  QueueConnection made;
  made.name = std::move(name);
  // Its published address has the emulator's usual port, which need not be ours.
  const bool is_local = iequals(trim(text), "UseDevelopmentStorage=true");
  if (!is_local) made.endpoint = std::move(parsed->endpoint);
  made.account = std::move(parsed->account);
  made.account_key = std::move(parsed->account_key);
  made.sas = std::move(parsed->sas);
  return made;
}

Result<QueueConnection> by_identity(std::string name, const AppSettings& settings) {
  QueueConnection made;
  made.by_identity = true;
  const auto part = [&](std::string_view suffix) {
    return find(settings, fmt::format("{}__{}", name, suffix));
  };
  for (const auto* unsupported : {"clientSecret", "certificate", "managedIdentityResourceId"}) {
    if (part(unsupported) != nullptr) {
      return wrong(fmt::format("setting {}__{} is not supported by the local functions host", name,
                               unsupported));
    }
  }
  if (const auto* credential = part("credential")) {
    if (!iequals(*credential, "managedidentity")) {
      return wrong(fmt::format("setting {}__credential must be managedidentity", name));
    }
  }
  if (const auto* client = part("clientId")) made.client_id = *client;
  const auto* address = part("queueServiceUri");
  if (address == nullptr) address = part("serviceUri");
  if (address != nullptr) {
    const auto url = http::parse_url(*address);
    if (!url || !url->is_https()) {
      return wrong(fmt::format("setting {}__queueServiceUri must be an https address", name));
    }
    made.endpoint = *address;
    if (made.endpoint.ends_with('/')) made.endpoint.pop_back();
  } else if (const auto* account = part("accountName")) {
    made.endpoint = fmt::format("https://{}.queue.core.windows.net", *account);
  } else {
    return fail(
        ErrorKind::not_found, "NoConnection",
        fmt::format("there is no setting {0}, {0}__queueServiceUri or {0}__accountName", name));
  }
  made.name = std::move(name);
  return made;
}

}  // namespace

void add_local_settings(std::string_view text, AppSettings& settings, ConfigProblems& problems) {
  const auto object = wire::json::parse_object(text);
  if (!object) {
    problems.refuse(kFile, "is not a JSON object");
    return;
  }
  ConfigReader reader(*object, std::string(kFile), problems);
  if (reader.boolean("IsEncrypted").value_or(false)) {
    reader.refuse("IsEncrypted", "must be false: encrypted settings are Core Tools' own");
  }
  const auto* values = reader.any("Values");
  if (values != nullptr && !values->is_object()) reader.refuse("Values", "must be an object");
  reader.tell_unknown();
  if (values == nullptr || !values->is_object()) return;
  for (const auto& [key, value] : values->get_object()) {
    const auto place = fmt::format("Values.{}", std::string_view(key));
    if (!value.is_string()) {
      reader.refuse(place, "must be a text");
      continue;
    }
    const bool added = settings.try_emplace(std::string(key), value.get_string()).second;
    if (!added) reader.warn(place, "is not used: the environment has this setting already");
  }
}

Result<std::string> resolve_settings(std::string_view text, const AppSettings& settings) {
  std::string made;
  while (!text.empty()) {
    const auto begin = text.find('%');
    made += text.substr(0, begin);
    if (begin == text.npos) break;
    const auto end = text.find('%', begin + 1);
    if (end == text.npos) {
      return fail(ErrorKind::invalid_argument, "InvalidSettingName", "a % has no second one");
    }
    const std::string name(text.substr(begin + 1, end - begin - 1));
    const auto found = settings.find(name);
    if (found == settings.end()) {
      return fail(ErrorKind::not_found, "NoSetting", fmt::format("there is no setting {}", name));
    }
    made += found->second;
    text.remove_prefix(end + 1);
  }
  return made;
}

Result<QueueConnection> find_connection(std::string_view name, const AppSettings& settings) {
  std::string wanted(name.empty() ? kDefaultConnection : name);
  const auto prefixed = std::string(kPrefix) + wanted;
  if (const auto* text = find(settings, prefixed)) return by_string(prefixed, *text);
  if (const auto* text = find(settings, wanted)) return by_string(std::move(wanted), *text);
  return by_identity(std::move(wanted), settings);
}

}  // namespace latchkey::cloud
