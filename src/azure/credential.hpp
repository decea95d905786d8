#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/task.hpp"
#include "http/client.hpp"

namespace latchkey::azure {

struct AccessToken {
  Secret value;
  UtcTime expires_on{};
  UtcTime refresh_on{};  ///< from here on a new one is fetched in the background
};

/// Where tokens come from. One object serves one executor. It must outlive the calls that run on
/// it; work of its own in the background may be running when it is destroyed.
class TokenCredential {
 public:
  virtual ~TokenCredential() = default;
  /// A token for `resource` ("https://storage.azure.com", "https://vault.azure.net": no
  /// "/.default"). Error kinds: denied (the service said no), unavailable (no such source here, or
  /// it cannot be reached).
  virtual Task<Result<AccessToken>> get_token(std::string resource) = 0;
  /// The token last given for `resource` was refused with 401: the next get_token fetches a new
  /// one.
  virtual void forget(const std::string& resource) = 0;
  /// "ManagedIdentityCredential (App Service)" for messages.
  virtual std::string name() const = 0;
  /// Once there was a token: a line for each source that was tried before the one that gave it, and
  /// why it did not; empty when that was the first.
  virtual std::string passed_over() const { return {}; }
  /// The cached token for `resource` if get_token would give it without waiting and nothing needs
  /// refreshing; else nullptr, and get_token is the way. Spares the thousands of calls a second
  /// a coroutine and two copies of the token. Valid until the next call on this object.
  virtual const AccessToken* cached_token(const std::string& /*resource*/) { return nullptr; }
  /// The tokens that are held now, without their values: for metrics.
  struct Held {
    std::string resource;
    UtcTime fetched{};
    UtcTime expires_on{};
  };
  virtual std::vector<Held> held_tokens() const { return {}; }
};

/// The settings of the environment by which the credential chain finds its members. Values are the
/// variables' own; empty means unset. Source: DefaultAzureCredential documentation.
struct CredentialSettings {
  std::string chosen;                   ///< AZURE_TOKEN_CREDENTIALS
  std::string tenant_id;                ///< AZURE_TENANT_ID
  std::string client_id;                ///< AZURE_CLIENT_ID
  Secret client_secret;                 ///< AZURE_CLIENT_SECRET
  std::string certificate_file;         ///< AZURE_CLIENT_CERTIFICATE_PATH
  bool send_certificate_chain = false;  ///< AZURE_CLIENT_SEND_CERTIFICATE_CHAIN
  std::string federated_token_file;     ///< AZURE_FEDERATED_TOKEN_FILE
  std::string authority_host;  ///< AZURE_AUTHORITY_HOST; empty: https://login.microsoftonline.com
  std::string identity_endpoint;  ///< IDENTITY_ENDPOINT
  Secret identity_header;         ///< IDENTITY_HEADER
  std::string imds_endpoint;      ///< IMDS_ENDPOINT: set beside IDENTITY_ENDPOINT by Azure Arc
  std::string pod_identity_host;  ///< AZURE_POD_IDENTITY_AUTHORITY_HOST
  /// Where Azure Arc's agent puts the keys that prove that we may read them.
  std::string arc_key_folder = "/var/opt/azcmagent/tokens";
  std::string tool_path;                      ///< PATH, where az and azd are looked for
  std::vector<std::string> tool_environment;  ///< "NAME=value", what they run with
};

/// DefaultAzureCredential: environment (client secret or certificate), workload identity, managed
/// identity (App Service, Azure Arc, else IMDS), Azure CLI, Azure Developer CLI, as far as
/// AZURE_TOKEN_CREDENTIALS leaves them in. The first member that succeeds is kept. Tokens are
/// cached per resource; one fetch is in flight at a time; a token past its refresh_on is renewed in
/// the background while callers go on with the old one. When all fail, the error's message has a
/// line for each member: what was tried and why not.
///
/// Error: invalid_argument when AZURE_TOKEN_CREDENTIALS names nothing that is known here, or
/// AZURE_AUTHORITY_HOST is no https URL.
///
/// `random` (for the jitter of retries) is the system's in the second form.
Result<std::unique_ptr<TokenCredential>> make_default_credential(CredentialSettings settings,
                                                                 http::HttpClient& http,
                                                                 Clock& clock, Random& random,
                                                                 Executor executor);
Result<std::unique_ptr<TokenCredential>> make_default_credential(CredentialSettings settings,
                                                                 http::HttpClient& http,
                                                                 Clock& clock, Executor executor);

}  // namespace latchkey::azure
