#pragma once

#include <optional>
#include <string>
#include <string_view>

/// WWW-Authenticate: Bearer challenges of Key Vault and Storage.
namespace latchkey::wire {

struct BearerChallenge {
  std::string
      authorization;  ///< "https://login.../TENANT"; read from authorization or authorization_uri
  std::string resource;  ///< read from resource, resource_id, or scope without "/.default"
  /// First path segment of `authorization`; empty when there is none.
  std::string tenant() const;
};

/// Nullopt when it is not a Bearer challenge with an authorization.
std::optional<BearerChallenge> parse_bearer_challenge(std::string_view header);
/// Key Vault's form: Bearer authorization="...", resource="..." (comma and blank: Go splits on
/// blanks).
std::string render_vault_challenge(const BearerChallenge& challenge);
/// Storage's form: Bearer authorization_uri=... resource_id=...
std::string render_storage_challenge(const BearerChallenge& challenge);

}  // namespace latchkey::wire
