#include "app/settings.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "app/setting_reader.hpp"
#include "azure/clouds.hpp"
#include "azure/queue_shards.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "codes/code.hpp"

namespace latchkey::app {
namespace {

using std::chrono::milliseconds;

/// What may be shown of an address: a query can hold a key or a SAS.
std::string_view without_query(std::string_view url) {
  return url.substr(0, url.find('?'));
}

Result<http::Url> read_url(const Environment& environment, std::string_view name,
                           std::string_view example) {
  const std::string& text = environment.get(name);
  auto url = http::parse_url(text);
  if (text.empty()) return setting_error(name, "", "", example);
  if (!url) return setting_error(name, without_query(text), url.error().message, example);
  return std::move(*url);
}

Result<std::string> read_vault_url(const Environment& environment) {
  constexpr std::string_view kName = "KEY_VAULT_URL";
  constexpr std::string_view kExample = "https://NAME.vault.azure.net";
  auto url = read_url(environment, kName, kExample);
  if (!url) return fail(url.error());
  if (!url->is_https()) {
    return setting_error(kName, environment.get(kName), "a vault is reached by https only",
                         kExample);
  }
  if (url->path != "/" || !url->query.empty()) {
    return setting_error(kName, without_query(environment.get(kName)),
                         "a vault's address has no path and no query", kExample);
  }
  return url->origin();
}

/// Stands for whichever credential there will be: only the form of an address is looked at here.
class AnyCredential final : public azure::TokenCredential {
 public:
  Task<Result<azure::AccessToken>> get_token(std::string) override {
    co_return fail(ErrorKind::internal, "NoCredential",
                   "this credential is for checking addresses");
  }
  void forget(const std::string&) override {}
  std::string name() const override { return "any"; }
};

Result<std::vector<std::string>> read_queue_urls(const Environment& environment) {
  constexpr std::string_view kName = "STORAGE_QUEUE_URL";
  constexpr std::string_view kExample = "https://ACCOUNT.queue.core.windows.net/code-requests";
  const std::string& text = environment.get(kName);
  if (text.empty()) return setting_error(kName, "", "", kExample);
  auto urls = azure::expand_queue_urls(text);
  if (!urls) return setting_error(kName, without_query(text), urls.error().message, kExample);
  for (const std::string& url : *urls) {
    AnyCredential credential;
    auto address = azure::queue_address_from_url(url, &credential);
    if (!address) {
      // What does not begin like a URL may be the rest of a SAS with a comma in it.
      const bool whole = url.starts_with("http");
      return setting_error(kName, without_query(whole ? url : text), address.error().message,
                           kExample);
    }
  }
  return urls;
}

Result<codes::Requeue> read_requeue(const Environment& environment) {
  constexpr std::string_view kName = "WATCH_REQUEUE";
  const std::string text = to_lower(environment.get(kName));
  if (text.empty() || text == "auto") return codes::Requeue::automatic;
  if (text == "update") return codes::Requeue::update;
  if (text == "resend") return codes::Requeue::resend;
  return setting_error(kName, text, "it is update, resend or auto", "auto");
}

/// AZURE_AUTHORITY_HOST, else that of the cloud in which the vault or the queue is.
std::string read_authority(const Environment& environment) {
  const std::string& own = environment.get("AZURE_AUTHORITY_HOST");
  if (!own.empty()) return own;
  const auto queues = azure::expand_queue_urls(environment.get("STORAGE_QUEUE_URL"));
  for (const auto& text :
       {environment.get("KEY_VAULT_URL"), queues ? queues->front() : std::string{}}) {
    const auto url = http::parse_url(text);
    const auto* cloud = url ? azure::cloud_of_host(url->host) : nullptr;
    if (cloud != nullptr) return std::string(cloud->authority);
  }
  return {};
}

/// What only some commands need, or what has a default.
Result<> read_options(const Environment& environment, Needs needs, ServiceSettings& settings) {
  if (needs == Needs::api) {
    auto endpoint = read_url(environment, "THIRD_PARTY_API_ENDPOINT",
                             "https://APP.azurewebsites.net/api/RandomNumber");
    if (!endpoint) return fail(endpoint.error());
    settings.number_endpoint = std::move(*endpoint);
    settings.number_secret_name = environment.get("THIRD_PARTY_API_SECRET_NAME");
    if (settings.number_secret_name.empty()) {
      return setting_error("THIRD_PARTY_API_SECRET_NAME", "", "", "third-party-api-key");
    }
  }
  SettingReader read(environment);
  auto lifetime = parse_code_lifetime("CODE_LIFETIME", read.text("CODE_LIFETIME", "600s"));
  if (!lifetime) return fail(lifetime.error());
  settings.lifetime = *lifetime;
  const std::string encoding = to_lower(read.text("QUEUE_MESSAGE_ENCODING", "none"));
  if (encoding != "none" && encoding != "base64") {
    return setting_error("QUEUE_MESSAGE_ENCODING", encoding, "it is none or base64", "none");
  }
  settings.message_base64 = encoding == "base64";
  settings.accept_unissued = read.boolean("ACCEPT_UNISSUED_CODES", false);
  settings.poll_max = read.duration("WATCH_POLL_MAX", milliseconds{2'000}, milliseconds{10},
                                    std::chrono::minutes{1});
  settings.clock_error_max = read.duration("CLOCK_ERROR_MAX", milliseconds{1'000},
                                           milliseconds{100}, std::chrono::seconds{30});
  settings.queue_probe = read.duration("QUEUE_PROBE_INTERVAL", std::chrono::seconds{30},
                                       std::chrono::seconds{1}, std::chrono::hours{1});
  if (read.error()) return fail(*read.error());
  auto requeue = read_requeue(environment);
  if (!requeue) return fail(requeue.error());
  settings.requeue = *requeue;
  return {};
}

}  // namespace

Result<std::chrono::milliseconds> parse_code_lifetime(std::string_view name,
                                                      std::string_view text) {
  const auto duration = parse_duration(text);
  if (!duration || *duration < codes::kLifetimeMin || *duration > codes::kLifetimeMax) {
    return setting_error(name, text, "a code lives from 1s to 600s", "600s");
  }
  return *duration;
}

http::PoolOptions read_http_settings(const Environment& environment) {
  const auto either = [&](std::string_view upper) {
    const std::string& lower = environment.get(to_lower(upper));
    return lower.empty() ? environment.get(upper) : lower;
  };
  http::PoolOptions options;
  options.https_proxy = either("HTTPS_PROXY");
  options.http_proxy = either("HTTP_PROXY");
  options.no_proxy = either("NO_PROXY");
  return options;
}

azure::CredentialSettings read_credential_settings(const Environment& environment) {
  const std::string send_chain = to_lower(environment.get("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN"));
  azure::CredentialSettings settings{
      .chosen = environment.get("AZURE_TOKEN_CREDENTIALS"),
      .tenant_id = environment.get("AZURE_TENANT_ID"),
      .client_id = environment.get("AZURE_CLIENT_ID"),
      .client_secret = Secret(environment.get("AZURE_CLIENT_SECRET")),
      .certificate_file = environment.get("AZURE_CLIENT_CERTIFICATE_PATH"),
      .send_certificate_chain = send_chain == "true" || send_chain == "1",
      .federated_token_file = environment.get("AZURE_FEDERATED_TOKEN_FILE"),
      .authority_host = read_authority(environment),
      .identity_endpoint = environment.get("IDENTITY_ENDPOINT"),
      .identity_header = Secret(environment.get("IDENTITY_HEADER")),
      .imds_endpoint = environment.get("IMDS_ENDPOINT"),
      .pod_identity_host = environment.get("AZURE_POD_IDENTITY_AUTHORITY_HOST"),
      .tool_path = environment.get("PATH"),
      .tool_environment = {}};
  for (const auto& [name, value] : environment.all()) {
    settings.tool_environment.push_back(name + "=" + value);
  }
  return settings;
}

Result<ServiceSettings> read_service_settings(const Environment& environment, Needs needs,
                                              const std::filesystem::path& data) {
  ServiceSettings settings;
  auto vault = read_vault_url(environment);
  if (!vault) return fail(vault.error());
  settings.key_vault_url = std::move(*vault);
  auto queues = read_queue_urls(environment);
  if (!queues) return fail(queues.error());
  settings.queue_urls = std::move(*queues);
  if (auto options = read_options(environment, needs, settings); !options) {
    return fail(options.error());
  }
  SettingReader read(environment);
  settings.pepper_secret_name = read.text("CODE_PEPPER_SECRET_NAME", "code-pepper");
  auto code_table = read_code_table_settings(environment, data);
  if (!code_table) return fail(code_table.error());
  settings.code_table = std::move(*code_table);
  settings.audit_folder = read.text("AUDIT_FOLDER", (data / "audit").string());
  settings.credential = read_credential_settings(environment);
  settings.http = read_http_settings(environment);
  return settings;
}

Result<ListenSettings> read_listen_settings(const Environment& environment) {
  ListenSettings settings;
  const bool own = !environment.get("PORT").empty();
  const std::string_view name = own ? "PORT" : "WEBSITES_PORT";
  if (const std::string& text = environment.get(name); !text.empty()) {
    const auto port = parse_integer<std::uint16_t>(text);
    if (!port) return setting_error(name, text, "a port is a number from 0 to 65535", "8080");
    settings.port = *port;
  }
  const std::string& addresses = environment.get("LISTEN_ADDRESS");
  if (!addresses.empty()) {
    for (auto address : split(addresses, ',')) settings.addresses.emplace_back(trim(address));
  } else if (!environment.get("WEBSITE_SITE_NAME").empty()) {
    settings.addresses = {"0.0.0.0"};  // App Service's front end comes from outside the container.
  } else {
    settings.addresses = {"127.0.0.1", "::1"};
  }
  SettingReader read(environment);
  settings.drain_delay =
      read.duration("DRAIN_DELAY", milliseconds{0}, milliseconds{0}, std::chrono::minutes{1});
  if (read.error()) return fail(*read.error());
  settings.on_loopback = std::all_of(settings.addresses.begin(), settings.addresses.end(),
                                     [](const auto& it) { return http::is_loopback_host(it); });
  return settings;
}

}  // namespace latchkey::app
