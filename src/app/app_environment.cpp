#include "app/app_environment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "app/names.hpp"
#include "cloud/proxy/azure_proxy.hpp"
#include "http/url.hpp"

namespace latchkey::app {
namespace {

constexpr auto kWithheld = std::to_array<std::string_view>(
    {// Credentials.
     "AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH",
     "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", "AZURE_USERNAME",
     "AZURE_PASSWORD", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_ADDITIONALLY_ALLOWED_TENANTS",
     "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN",
     "ARM_CLIENT_SECRET", "ARM_CLIENT_CERTIFICATE_PASSWORD", "ARM_ACCESS_KEY", "ARM_SAS_TOKEN",
     "MSI_SECRET", "IDENTITY_HEADER",
     // Where credentials are asked for, and how.
     "AZURE_AUTHORITY_HOST", "AZURE_TOKEN_CREDENTIALS", "AZURE_POD_IDENTITY_AUTHORITY_HOST",
     "AZURE_REGIONAL_AUTHORITY_NAME", "AZURE_CONFIG_DIR", "IDENTITY_ENDPOINT",
     "IDENTITY_SERVER_THUMBPRINT", "IMDS_ENDPOINT", "MSI_ENDPOINT",
     // Checks of certificates that are off would hide what goes wrong.
     "AZURE_CLI_DISABLE_CONNECTION_VERIFICATION", "ADAL_PYTHON_SSL_NO_VERIFY",
     "NODE_TLS_REJECT_UNAUTHORIZED"});

std::string endpoint(const RunningCloud& running, const char* name) {
  const auto found = running.endpoints.find(name);
  return found == running.endpoints.end() ? std::string{} : found->second;
}

/// Each language has a variable of its own; those that take one file replace the system's by it.
void trust(Environment& made, const RunningCloud& running) {
  made.set("NODE_EXTRA_CA_CERTS", running.authority_file().string());
  for (const char* name : {"REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"}) {
    made.set(name, running.bundle_file().string());
  }
}

void by_app_service(Environment& made, const RunningCloud& running, const AppIdentity& identity) {
  made.set("IDENTITY_ENDPOINT", endpoint(running, "identity"));
  made.set("IDENTITY_HEADER", std::string(identity.identity_header.reveal()));
}

void by_secret(Environment& made, const AppIdentity& identity, std::string tenant) {
  made.set("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential");
  made.set("AZURE_TENANT_ID", std::move(tenant));
  made.set("AZURE_CLIENT_ID", identity.client_id);
  made.set("AZURE_CLIENT_SECRET", std::string(identity.client_secret.reveal()));
}

}  // namespace

bool is_withheld(std::string_view variable) {
  return std::ranges::find(kWithheld, variable) != kWithheld.end();
}

Environment proxy_environment(const RunningCloud& running, const AppIdentity& identity) {
  const bool by_itself = identity.form == IdentityForm::client_secret;
  const auto user = by_itself ? cloud::AzureProxy::kNobody : std::string_view(identity.name);
  const Secret& password = by_itself ? running.proxy_password : identity.identity_header;
  auto proxy = endpoint(running, "proxy");
  proxy.insert(proxy.find("//") + 2, fmt::format("{}:{}@", user, password.reveal()));

  Environment made;
  // Both spellings: libcurl knows http_proxy in lower case only.
  for (const char* name :
       {"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"}) {
    made.set(name, proxy);
  }
  for (const char* name : {"NO_PROXY", "no_proxy"}) {
    made.set(name, "127.0.0.1,::1,localhost,.localhost");
  }
  made.set("NODE_USE_ENV_PROXY", "1");  // fetch of newer Node.js
  trust(made, running);
  // az keeps who is signed in there: the user's own sign-ins are not for this program.
  made.set("AZURE_CONFIG_DIR", (running.data / "az" / identity.name).string());
  if (by_itself) {
    by_secret(made, identity, running.tenant_id);
    return made;
  }
  made.set("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential");
  if (identity.is_user_assigned) made.set("AZURE_CLIENT_ID", identity.client_id);
  if (identity.form == IdentityForm::app_service) by_app_service(made, running, identity);
  return made;
}

Environment direct_environment(const RunningCloud& running, const AppIdentity& identity,
                               bool vault_resolves) {
  Environment made;
  trust(made, running);
  made.set("KEY_VAULT_URL",
           vault_resolves ? endpoint(running, "vault") : endpoint(running, "login"));
  made.set("STORAGE_QUEUE_URL", fmt::format("{}/{}", endpoint(running, "queue"), kQueueName));
  made.set("THIRD_PARTY_API_ENDPOINT", endpoint(running, "functions") + "/api/RandomNumber");
  made.set("THIRD_PARTY_API_SECRET_NAME", std::string(kNumberSecretName));
  if (identity.form == IdentityForm::client_secret) {
    // As tenant "adfs" JavaScript and Python do not ask the public login host about ours first.
    by_secret(made, identity, "adfs");
    made.set("AZURE_AUTHORITY_HOST", endpoint(running, "login"));
    return made;
  }
  made.set("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential");
  if (identity.form == IdentityForm::app_service) {
    by_app_service(made, running, identity);
    if (identity.is_user_assigned) made.set("AZURE_CLIENT_ID", identity.client_id);
  } else {
    // Nothing but its client id says there who asks.
    made.set("AZURE_CLIENT_ID", identity.client_id);
    const auto address = http::parse_url(endpoint(running, "identity"));
    if (address) made.set("AZURE_POD_IDENTITY_AUTHORITY_HOST", address->origin());
  }
  return made;
}

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

}  // namespace latchkey::app
