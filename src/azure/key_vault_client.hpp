#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "azure/credential.hpp"
#include "azure/retry_policy.hpp"
#include "base/random.hpp"
#include "http/client.hpp"
#include "wire/vault_json.hpp"

namespace latchkey::azure {

/// One version of a secret, as a list names it: without its value.
struct SecretVersion {
  std::string version;
  bool enabled = true;
  UtcTime created{};  ///< by the vault's clock, whole seconds
};

/// A secret as a list of the vault names it: without its value.
struct SecretName {
  std::string name;
  bool enabled = true;
};

/// Secrets of one Key Vault. The first call carries a token for https://vault.azure.net (or the
/// sovereign cloud's); when the vault answers 401 with a challenge, its resource is verified
/// against the vault's host (equal, or the host ends with "." + resource host; ports must agree
/// when the resource has one) and a token for it is fetched. https only.
///
/// A host that is neither in Azure's vault domains nor this machine's gets no token before it has
/// sent a challenge that verifies. Retries as RetryPolicy has it, 429 with Retry-After included.
/// One executor; the object and what it refers to must outlive its calls.
class KeyVaultClient {
 public:
  /// `vault_url`: "https://NAME.vault.azure.net". Error: invalid_argument for http or a path.
  static Result<std::unique_ptr<KeyVaultClient>> create(std::string vault_url,
                                                        TokenCredential& credential,
                                                        http::HttpClient& http, Clock& clock,
                                                        Random& random, RetryOptions retry = {});
  virtual ~KeyVaultClient() = default;

  /// The newest version, or `version`. Error kinds: invalid_argument (no name that a secret can
  /// have), not_found, denied (the message carries Azure's reason and the role to assign),
  /// throttled, unavailable, timeout, protocol.
  virtual Task<Result<wire::SecretBundle>> get_secret(std::string name, std::string version = {},
                                                      Trace trace = {}) = 0;
  virtual Task<Result<wire::SecretBundle>> set_secret(std::string name,
                                                      wire::SetSecretRequest request) = 0;
  /// All versions, in no order that Azure promises. Errors: as get_secret. A vault whose pages do
  /// not end, or lead to another host, is a protocol error; one that does not let itself be listed
  /// is denied.
  virtual Task<Result<std::vector<SecretVersion>>> list_secret_versions(std::string name);
  /// All secrets, page by page. Errors: as list_secret_versions.
  virtual Task<Result<std::vector<SecretName>>> list_secrets();
};

/// One secret, read once and kept: for keys that every request needs. Read again when `max_age` has
/// passed (in the background) or when the key's user was refused; a failed refresh keeps the old
/// value. May be destroyed while it reads; vault and clock must outlive its calls.
class CachedSecret {
 public:
  /// After a failed read in the background the next is tried so much later.
  static constexpr std::chrono::seconds kRefreshSpacing{30};
  /// A failed first read is answered to everybody for so long before the next is tried.
  static constexpr std::chrono::seconds kFailureHold{1};
  /// A value read so lately is not read again because it was refused.
  static constexpr std::chrono::seconds kRefusalSpacing{10};

  CachedSecret(KeyVaultClient& vault, std::string name, Clock& clock, Executor executor,
               std::chrono::seconds max_age = std::chrono::hours{1});
  ~CachedSecret();
  /// The value; fetched on first use, by one fetch however many wait.
  /// A read that this call starts belongs to `trace`.
  Task<Result<Secret>> get(Trace trace = {});
  /// The value that `refused` holds no longer works: fetches again, unless somebody already did
  /// and the cached value differs, or the last fetch is younger than 10 s. When that fetch fails
  /// its error is the answer, and get() still gives the old value.
  Task<Result<Secret>> get_after_refusal(Secret refused, Trace trace = {});

 private:
  struct Impl;
  static Task<Result<Secret>> get_from(std::shared_ptr<Impl> impl, Trace trace);
  static Task<Result<Secret>> replace_in(std::shared_ptr<Impl> impl, Secret refused, Trace trace);
  static void start_read(const std::shared_ptr<Impl>& impl, const Trace& trace);
  static Task<> read(std::shared_ptr<Impl> impl, Trace trace);
  std::shared_ptr<Impl> impl_;
};

}  // namespace latchkey::azure
