#include "cloud/identity/token_issuer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "wire/jwt.hpp"

namespace latchkey::cloud {
namespace {

constexpr std::size_t kResourceBytesMax = 512;
constexpr std::size_t kTokenIdBytes = 16;
/// Entra ID dates tokens back, so that a clock that lags does not refuse them.
constexpr std::int64_t kNotBeforeLeadSeconds = 300;

}  // namespace

TokenIssuer::TokenIssuer(const SigningKeys& keys, const Tenancy& tenancy, const Clock& clock,
                         Random& random)
    : keys_(keys),
      tenant_id_(tenancy.tenant_id),
      issuer_(fmt::format("https://sts.windows.net/{}/", tenancy.tenant_id)),
      clock_(clock),
      random_(random) {}

wire::TokenAnswer TokenIssuer::issue(const Identity& identity, std::string_view resource,
                                     std::chrono::seconds lifetime) {
  const std::int64_t now = to_epoch_seconds(clock_.now());
  Bytes token_id(kTokenIdBytes);
  random_.fill(token_id);
  wire::TokenClaims claims{.issuer = issuer_,
                           .audience = std::string(resource),
                           .tenant_id = tenant_id_,
                           .object_id = identity.object_id,
                           .client_id = identity.client_id,
                           .issued_at = now,
                           .not_before = now - kNotBeforeLeadSeconds,
                           .expires_at = now + lifetime.count(),
                           .token_id = to_base64url(token_id)};
  // A token for an API at which nobody gave the identity a role has none: Entra ID as well leaves
  // the refusal to the API.
  if (resource == kApiAudience) claims.roles = identity.app_roles;
  return {.access_token = Secret(wire::sign_token(claims, keys_.current(), keys_.current_id())),
          .expires_on = from_epoch_seconds(claims.expires_at),
          .refresh_on = {}};
}

bool is_resource(std::string_view resource) {
  if (resource.size() > kResourceBytesMax || resource.ends_with("/.default")) return false;
  const bool printable =
      std::ranges::all_of(resource, [](char c) { return c > 0x20 && c < 0x7F && c != '"'; });
  constexpr std::array<std::string_view, 3> kSchemes{"https://", "http://", "api://"};
  const auto* scheme =
      std::ranges::find_if(kSchemes, [&](auto each) { return istarts_with(resource, each); });
  if (!printable || scheme == kSchemes.end()) return false;
  const auto rest = resource.substr(scheme->size());
  return !rest.empty() && rest.front() != '/';
}

}  // namespace latchkey::cloud
