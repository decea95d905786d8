#include "app/running_cloud.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstring>

#include "app/names.hpp"

namespace latchkey::app {
namespace {

namespace json = boost::json;

std::string text_member(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(std::string_view(value->get_string()))
                                                : std::string{};
}

std::string names_of(const auto& by_name) {
  std::string names;
  for (const auto& [name, value] : by_name) names += (names.empty() ? "" : ", ") + name;
  return names;
}

Result<json::object> read_object(const std::filesystem::path& file) {
  auto text = read_file(file);
  if (!text) return fail(text.error());
  json::error_code error;
  auto value = json::parse(*text, error);
  if (error || !value.is_object()) {
    return fail(ErrorKind::storage, "FileError", file.string() + " is not a JSON object");
  }
  return std::move(value.get_object());
}

}  // namespace

std::filesystem::path default_data_folder(const Environment& environment) {
  if (const auto& state = environment.get("XDG_STATE_HOME"); !state.empty()) {
    return std::filesystem::path(state) / "latchkey";
  }
  const auto& home = environment.get("HOME");
  return std::filesystem::path(home.empty() ? "/tmp" : home) / ".local/state/latchkey";
}

Result<> make_data_folder(const std::filesystem::path& data) {
  std::error_code error;
  std::filesystem::create_directories(data, error);
  if (error) {
    return fail(ErrorKind::storage, "FileError",
                fmt::format("cannot make the data folder {}: {}", data.string(), error.message()));
  }
  if (::chmod(data.c_str(), 0700) != 0) return file_error("protect", data);
  return {};
}

Result<std::string> RunningCloud::connection_string(std::string_view account) const {
  const auto key = storage_keys.find(account);
  if (key == storage_keys.end()) {
    return fail(ErrorKind::not_found, "UnknownAccount",
                fmt::format("there is no storage account \"{}\" here; there are: {}", account,
                            names_of(storage_keys)));
  }
  const auto queue = endpoints.find("queue");
  std::string plain = queue == endpoints.end() ? std::string{} : queue->second;
  if (plain.starts_with("https://")) plain = "http://" + plain.substr(8);
  plain = plain.substr(0, plain.rfind('/') + 1).append(account);
  return fmt::format("DefaultEndpointsProtocol=http;AccountName={};AccountKey={};QueueEndpoint={};",
                     account, key->second.reveal(), plain);
}

Result<> write_identities(const RunningCloud& cloud) {
  json::object identities;
  for (const auto& [name, identity] : cloud.identities) {
    identities[name] = {{"client_id", identity.client_id},
                        {"object_id", identity.object_id},
                        {"identity_header", identity.identity_header.reveal()}};
  }
  json::object storage_keys;
  for (const auto& [account, key] : cloud.storage_keys) storage_keys[account] = key.reveal();
  const json::object document = {{"tenant_id", cloud.tenant_id},
                                 {"subscription_id", cloud.subscription_id},
                                 {"resource_group", cloud.resource_group},
                                 {"proxy_password", cloud.proxy_password.reveal()},
                                 {"storage_keys", std::move(storage_keys)},
                                 {"identities", std::move(identities)}};
  auto written =
      write_file(cloud.data / "identities.json", json::serialize(document), 0600, Durable::no);
  if (!written) return written;
  auto authority = read_file(cloud.authority_file());
  if (!authority) return fail(authority.error());
  const auto system = read_file("/etc/ssl/certs/ca-certificates.crt");
  return write_file(cloud.bundle_file(), system ? *system + *authority : *authority, 0644,
                    Durable::no);
}

Result<> write_endpoints(const RunningCloud& cloud) {
  json::object document;
  for (const auto& [key, url] : cloud.endpoints) document[key] = url;
  return write_file(cloud.data / "endpoints.json", json::serialize(document) + "\n", 0644,
                    Durable::no);
}

void remove_endpoints(const std::filesystem::path& data) {
  std::error_code ignored;
  std::filesystem::remove(data / "endpoints.json", ignored);
}

bool is_in_use(const std::filesystem::path& data) {
  const int descriptor = ::open((data / "lock").c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool taken = ::flock(descriptor, LOCK_EX | LOCK_NB) != 0;
  ::close(descriptor);
  return taken;
}

Result<RunningCloud> read_running_cloud(const std::filesystem::path& data) {
  auto endpoints = read_object(data / "endpoints.json");
  auto identities = read_object(data / "identities.json");
  if (!endpoints || !identities) {
    return fail(ErrorKind::unavailable, "NothingRuns",
                fmt::format("no local cloud runs on {} (start one: latchkey up --data {})",
                            data.string(), data.string()));
  }
  RunningCloud cloud;
  cloud.data = data;
  for (const auto& [key, url] : *endpoints) {
    if (url.is_string()) cloud.endpoints[std::string(key)] = std::string(url.get_string());
  }
  cloud.tenant_id = text_member(*identities, "tenant_id");
  cloud.subscription_id = text_member(*identities, "subscription_id");
  cloud.resource_group = text_member(*identities, "resource_group");
  cloud.proxy_password = Secret(text_member(*identities, "proxy_password"));
  if (const auto* all = identities->if_contains("storage_keys"); all && all->is_object()) {
    for (const auto& [account, key] : all->get_object()) {
      cloud.storage_keys[std::string(account)] = Secret(text_member(all->get_object(), account));
    }
  }
  if (const auto* all = identities->if_contains("identities"); all != nullptr && all->is_object()) {
    for (const auto& [name, value] : all->get_object()) {
      if (!value.is_object()) continue;
      const auto& object = value.get_object();
      cloud.identities[std::string(name)] = {text_member(object, "client_id"),
                                             text_member(object, "object_id"),
                                             Secret(text_member(object, "identity_header"))};
    }
  }
  return cloud;
}

Result<Environment> environment_for(const RunningCloud& cloud, const std::string& name) {
  const auto identity = cloud.identities.find(name);
  if (identity == cloud.identities.end()) {
    return fail(ErrorKind::not_found, "UnknownIdentity",
                fmt::format("there is no identity \"{}\" here; there are: {}", name,
                            names_of(cloud.identities)));
  }
  const auto endpoint = [&](const std::string& key) {
    const auto found = cloud.endpoints.find(key);
    return found == cloud.endpoints.end() ? std::string{} : found->second;
  };
  Environment made;
  made.set("IDENTITY_ENDPOINT", endpoint("identity"));
  made.set("IDENTITY_HEADER", std::string(identity->second.identity_header.reveal()));
  made.set("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential");
  made.set("KEY_VAULT_URL", endpoint("vault"));
  made.set("STORAGE_QUEUE_URL", fmt::format("{}/{}", endpoint("queue"), kQueueName));
  auto connection = cloud.connection_string(kAccountName);
  if (!connection) return fail(connection.error());
  made.set("AZURE_STORAGE_CONNECTION_STRING", std::move(*connection));
  made.set("THIRD_PARTY_API_ENDPOINT", endpoint("functions") + "/api/RandomNumber");
  made.set("THIRD_PARTY_API_SECRET_NAME", std::string(kNumberSecretName));
  made.set("NODE_EXTRA_CA_CERTS", cloud.authority_file().string());
  made.set("REQUESTS_CA_BUNDLE", cloud.bundle_file().string());
  made.set("SSL_CERT_FILE", cloud.bundle_file().string());
  return made;
}

}  // namespace latchkey::app
