#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "http/url.hpp"

/// For which resource a vault wants its tokens. Pure.
/// Source: "Authentication, requests and responses" of Key Vault; the rules of the SDKs.
namespace latchkey::azure {

/// The resource to start with: the one of the vault's Azure cloud ("https://vault.azure.net"); the
/// public cloud's for a vault on this machine; empty for any other host, which has to say.
std::string initial_vault_resource(const http::Url& vault);

/// The resource that the WWW-Authenticate header of a 401 names, without a slash at the end.
///
/// Whoever answers in the vault's place could ask for tokens to other services, so the resource's
/// host must be the vault's own or a parent domain of it, and a port that it names the vault's.
/// Error: denied, code "ChallengeMissing" (no Bearer challenge with a resource) or
/// "ChallengeResourceRefused".
Result<std::string> challenged_resource(std::string_view header, const http::Url& vault);

}  // namespace latchkey::azure
