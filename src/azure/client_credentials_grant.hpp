#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "azure/credential.hpp"

namespace latchkey::azure {

/// A token for an application itself, from its tenant's token endpoint: POST
/// AUTHORITY/TENANT/oauth2/v2.0/token, grant client_credentials. How the application proves who it
/// is - by a secret, a certificate, another provider's token - is the caller's affair.
/// Source: Microsoft identity platform, "OAuth 2.0 client credentials flow".
class ClientCredentialsGrant {
 public:
  ClientCredentialsGrant(const CredentialSettings& settings, http::HttpClient& http, Clock& clock,
                         Random& random);
  /// What is wrong with the tenant or the authority; empty when nothing is.
  std::string problem() const;
  std::string token_url() const;
  /// `proof`: form parameters ("client_secret=..."). Errors: denied, unavailable.
  Task<Result<AccessToken>> ask(std::string resource, Secret proof) const;

 private:
  Task<Result<http::ClientRequest>> prepare(const std::string& form) const;

  std::string tenant_id_;
  std::string client_id_;
  std::string authority_;
  http::HttpClient& http_;
  Clock& clock_;
  Random& random_;
};

/// The authority of the settings, or of the public cloud, without a slash at the end.
/// Error: invalid_argument when it is no https URL.
Result<std::string> authority_from(const CredentialSettings& settings);

/// "A, B and C are not set"; empty when `names` is.
std::string not_set(const std::vector<std::string_view>& names);

}  // namespace latchkey::azure
