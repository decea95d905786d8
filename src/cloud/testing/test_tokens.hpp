#pragma once

#include <string>

#include "base/clock.hpp"
#include "base/rsa.hpp"
#include "wire/jwt.hpp"

/// Tokens for tests of the services that check them.
namespace latchkey::cloud::testing {

inline constexpr std::string_view kTestTenant = "11111111-2222-4333-8444-555555555555";
inline constexpr std::string_view kTestIssuer =
    "https://sts.windows.net/11111111-2222-4333-8444-555555555555/";
inline constexpr std::string_view kTestPrincipal = "aaaaaaaa-0000-4000-8000-000000000001";
inline constexpr std::string_view kTestClient = "cccccccc-0000-4000-8000-000000000001";

/// One key for the whole test program: making one takes some 50 ms.
const RsaPrivateKey& test_key();
std::string test_key_id();

/// Claims of a good token for `audience`, valid for an hour from now.
wire::TokenClaims test_claims(std::string_view audience, const Clock& clock);
/// That token, signed by test_key().
std::string test_token(std::string_view audience, const Clock& clock);

}  // namespace latchkey::cloud::testing
