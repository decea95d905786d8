#pragma once

#include <optional>
#include <string>
#include <string_view>

/// WWW-Authenticate: Bearer challenges of Key Vault and Storage (RFC 9110 section 11.6.1, RFC 6750
/// section 3).
namespace latchkey::wire {

struct BearerChallenge {
  std::string authorization;  ///< "https://login.../TENANT"; read from authorization or
                              ///< authorization_uri (there without its "/oauth2/authorize")
  std::string resource;       ///< read from resource, resource_id, or scope without "/.default"
  /// First path segment of `authorization`; empty when there is none.
  std::string tenant() const;
};

/// The first Bearer challenge with an authorization, also behind challenges of other schemes;
/// nullopt when there is none. Parameters may be quoted or not, parted by commas or blanks.
std::optional<BearerChallenge> parse_bearer_challenge(std::string_view header);
/// Key Vault's form: Bearer authorization="...", resource="..." (comma and blank: Go splits on
/// blanks).
std::string render_vault_challenge(const BearerChallenge& challenge);
/// Storage's form: Bearer authorization_uri=.../TENANT/oauth2/authorize resource_id=...
std::string render_storage_challenge(const BearerChallenge& challenge);

}  // namespace latchkey::wire
