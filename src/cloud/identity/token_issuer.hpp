#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "cloud/identity/identities.hpp"
#include "cloud/identity/signing_keys.hpp"
#include "cloud/tenancy.hpp"
#include "wire/token_json.hpp"

namespace latchkey::cloud {

/// Signs the access tokens of the local tenant, with the claims and lifetimes of Entra ID.
class TokenIssuer {
 public:
  static constexpr std::chrono::hours kManagedIdentityLifetime{24};
  static constexpr std::chrono::hours kServicePrincipalLifetime{1};

  /// `keys` must outlive this object.
  TokenIssuer(const SigningKeys& keys, const Tenancy& tenancy, const Clock& clock, Random& random);

  /// `resource` becomes the audience as it is, with or without a slash at the end; for kApiAudience
  /// the token carries the identity's app roles. Costs one RSA signature, some 0.6 ms.
  wire::TokenAnswer issue(const Identity& identity, std::string_view resource,
                          std::chrono::seconds lifetime);

  /// "https://sts.windows.net/TENANT/", as in tokens of Entra ID's first version, which is what the
  /// vault and storage get in Azure.
  const std::string& issuer() const { return issuer_; }
  const SigningKeys& keys() const { return keys_; }

 private:
  const SigningKeys& keys_;
  const std::string tenant_id_;
  const std::string issuer_;
  const Clock& clock_;
  Random& random_;
};

/// Whether a token can be asked for it: "https://vault.azure.net", "api://..."; a URL with a host
/// and no blanks, and not the scope form that ends in "/.default".
bool is_resource(std::string_view resource);

}  // namespace latchkey::cloud
