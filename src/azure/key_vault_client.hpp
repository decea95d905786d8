#pragma once

#include <memory>
#include <string>

#include "azure/credential.hpp"
#include "azure/retry_policy.hpp"
#include "http/client.hpp"
#include "wire/vault_json.hpp"

namespace latchkey::azure {

/// Secrets of one Key Vault. The first call carries a token for https://vault.azure.net (or the
/// sovereign cloud's); when the vault answers 401 with a challenge, its resource is verified
/// against the vault's host (equal, or the host ends with "." + resource host; ports must agree
/// when the resource has one) and a token for it is fetched. https only.
class KeyVaultClient {
 public:
  /// `vault_url`: "https://NAME.vault.azure.net". Error: invalid_argument for http or a path.
  static Result<std::unique_ptr<KeyVaultClient>> create(std::string vault_url,
                                                        TokenCredential& credential,
                                                        http::HttpClient& http, Clock& clock,
                                                        Random& random, RetryOptions retry = {});
  virtual ~KeyVaultClient() = default;

  /// The newest version, or `version`. Error kinds: not_found, denied (the message carries Azure's
  /// reason and the role to assign), throttled, unavailable, protocol.
  virtual Task<Result<wire::SecretBundle>> get_secret(std::string name,
                                                      std::string version = {}) = 0;
  virtual Task<Result<wire::SecretBundle>> set_secret(std::string name,
                                                      wire::SetSecretRequest request) = 0;
};

/// One secret, read once and kept: for keys that every request needs. Read again when `max_age` has
/// passed (in the background) or when the key's user was refused; a failed refresh keeps the old
/// value.
class CachedSecret {
 public:
  CachedSecret(KeyVaultClient& vault, std::string name, Clock& clock, Executor executor,
               std::chrono::seconds max_age = std::chrono::hours{1});
  ~CachedSecret();
  /// The value; fetched on first use, by one fetch however many wait.
  Task<Result<Secret>> get();
  /// The value that `refused` holds no longer works: fetches again, unless somebody already did
  /// and the cached value differs, or the last fetch is younger than 10 s.
  Task<Result<Secret>> get_after_refusal(Secret refused);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace latchkey::azure
