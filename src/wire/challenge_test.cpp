#include "wire/challenge.hpp"

#include <gtest/gtest.h>

#include "base/testing/seeded_random.hpp"

namespace latchkey::wire {
namespace {

constexpr std::string_view kAuthority = "https://login.microsoftonline.com/tenant-1";

TEST(Challenge, IsReadInEveryFormThatServicesSend) {
  struct Row {
    std::string_view header, authorization, resource;
  };
  const Row rows[] = {
      {"Bearer authorization=\"https://login.microsoftonline.com/tenant-1\", "
       "resource=\"https://vault.azure.net\"",
       kAuthority, "https://vault.azure.net"},
      {"bearer  AUTHORIZATION=\"https://login.microsoftonline.com/tenant-1\","
       "Resource=\"https://vault.azure.net\"",
       kAuthority, "https://vault.azure.net"},
      {"Bearer authorization_uri=https://login.microsoftonline.com/tenant-1/oauth2/authorize "
       "resource_id=https://storage.azure.com",
       kAuthority, "https://storage.azure.com"},
      {"Bearer authorization=\"https://login.microsoftonline.com/tenant-1\" "
       "scope=\"https://vault.azure.net/.default\"",
       kAuthority, "https://vault.azure.net"},
      {"Bearer scope=\"s/.default\", resource=\"r\", authorization=\"a\"", "a", "r"},
      {"Bearer resource=\"r\", scope=\"s/.default\", authorization=\"a\"", "a", "r"},
      {"Bearer authorization = \"a\" , resource = r", "a", "r"},
      {"Bearer authorization=\"a\\\"b\\\\c\"", "a\"b\\c", ""},
      {"Bearer authorization=\"a, b=c\", resource=\"r\"", "a, b=c", "r"},
      {"Bearer authorization=\"unfinished", "unfinished", ""},
      {"Basic realm=\"x\", Bearer authorization=\"a\", resource=\"r\"", "a", "r"},
      {"Basic authorization=\"no\", Bearer authorization=\"a\"", "a", ""},
      {"Bearer authorization=\"a\", resource=\"r\", Basic resource=\"no\"", "a", "r"},
      {"Bearer error=\"x\", Bearer authorization=\"a\"", "a", ""},
      {"Bearer authorization=\"a\", error=\"insufficient_claims\", claims=\"e30=\", resource=\"r\"",
       "a", "r"},
  };
  for (const Row& row : rows) {
    const auto challenge = parse_bearer_challenge(row.header);
    ASSERT_TRUE(challenge) << row.header;
    EXPECT_EQ(challenge->authorization, row.authorization) << row.header;
    EXPECT_EQ(challenge->resource, row.resource) << row.header;
  }
}

TEST(Challenge, IsNoneWithoutBearerAndAuthorization) {
  for (std::string_view header :
       {"", " ", "Bearer", "Bearer ", "Bearer realm=\"x\"", "Bearer resource=\"r\"",
        "Basic authorization=\"a\"", "authorization=\"a\"", "Bearer authorization=\"\"",
        "Bearer authorization=", "Bearer =a", "===", "Bearerauthorization=\"a\""}) {
    EXPECT_FALSE(parse_bearer_challenge(header)) << header;
  }
}

TEST(Challenge, TenantIsTheFirstSegmentOfThePath) {
  struct Row {
    std::string authorization;
    std::string_view tenant;
  };
  const Row rows[] = {
      {"https://login.microsoftonline.com/tenant-1", "tenant-1"},
      {"https://localhost:8443/tenant-1/oauth2/v2.0", "tenant-1"},
      {"https://h/t?x=/y", "t"},
      {"https://h/", ""},
      {"https://h", ""},
      {"h/t", ""},
      {"", ""},
  };
  for (const Row& row : rows) {
    const BearerChallenge challenge{.authorization = row.authorization, .resource = {}};
    EXPECT_EQ(challenge.tenant(), row.tenant) << row.authorization;
  }
}

TEST(Challenge, IsWrittenAsVaultAndStorageWriteIt) {
  const BearerChallenge challenge{.authorization = "https://login.h/t",
                                  .resource = "https://vault.h:8443"};
  EXPECT_EQ(render_vault_challenge(challenge),
            "Bearer authorization=\"https://login.h/t\", resource=\"https://vault.h:8443\"");
  EXPECT_EQ(render_storage_challenge(challenge),
            "Bearer authorization_uri=https://login.h/t/oauth2/authorize "
            "resource_id=https://vault.h:8443");
  for (const std::string& header :
       {render_vault_challenge(challenge), render_storage_challenge(challenge)}) {
    const auto parsed = parse_bearer_challenge(header);
    ASSERT_TRUE(parsed) << header;
    EXPECT_EQ(parsed->authorization, challenge.authorization);
    EXPECT_EQ(parsed->resource, challenge.resource);
    EXPECT_EQ(parsed->tenant(), "t");
  }
}

TEST(Challenge, AnyTextIsReadToItsEnd) {
  static constexpr std::uint64_t kSeed = 5;
  static constexpr std::string_view kTelling = "Bearer authorization=\"a\\ ,\t=";
  latchkey::testing::SeededRandom random(kSeed);
  for (int round = 0; round < 20'000; ++round) {
    std::string header = round % 2 == 0 ? "Bearer " : "";
    for (std::uint64_t n = random.below(40); n > 0; --n) {
      header += kTelling[random.below(kTelling.size())];
    }
    const auto challenge = parse_bearer_challenge(header);
    if (challenge) EXPECT_FALSE(challenge->authorization.empty()) << header;
  }
}

}  // namespace
}  // namespace latchkey::wire
