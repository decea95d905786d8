#include "cloud/testing/test_tokens.hpp"

#include "base/time_text.hpp"

namespace latchkey::cloud::testing {

const RsaPrivateKey& test_key() {
  static const RsaPrivateKey key = RsaPrivateKey::generate();
  return key;
}

std::string test_key_id() {
  return wire::key_id_of(test_key().public_key());
}

wire::TokenClaims test_claims(std::string_view audience, const Clock& clock) {
  const std::int64_t now = to_epoch_seconds(clock.now());
  wire::TokenClaims claims;
  claims.issuer = kTestIssuer;
  claims.audience = audience;
  claims.tenant_id = kTestTenant;
  claims.object_id = kTestPrincipal;
  claims.client_id = kTestClient;
  claims.issued_at = now;
  claims.not_before = now;
  claims.expires_at = now + 3600;
  claims.token_id = "test-token";
  return claims;
}

std::string test_token(std::string_view audience, const Clock& clock) {
  return wire::sign_token(test_claims(audience, clock), test_key(), test_key_id());
}

}  // namespace latchkey::cloud::testing
