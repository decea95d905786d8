#include "cloud/queues/delegation_keys.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/time_text.hpp"

namespace latchkey::cloud {
namespace {

const UtcTime kNow = *from_iso8601("2026-05-01T12:00:00.5Z");

wire::UserDelegation delegation() {
  return {.object_id = "oid",
          .tenant_id = "tid",
          .start = "2026-05-01T12:00:00Z",
          .expiry = "2026-05-02T12:00:00Z",
          .service = "q",
          .version = "2026-04-06",
          .delegated_tenant_id = ""};
}

TEST(DelegationKeys, EveryFieldMakesAnotherKey) {
  const DelegationKeys keys(Secret("secret"));
  std::set<std::string, std::less<>> seen;
  const auto add = [&](const wire::UserDelegation& of, std::string_view account) {
    EXPECT_TRUE(seen.emplace(keys.key_of(of, account).reveal()).second);
  };
  add(delegation(), "acc");
  add(delegation(), "other");
  for (std::string wire::UserDelegation::* field :
       {&wire::UserDelegation::object_id, &wire::UserDelegation::tenant_id,
        &wire::UserDelegation::start, &wire::UserDelegation::expiry, &wire::UserDelegation::service,
        &wire::UserDelegation::version, &wire::UserDelegation::delegated_tenant_id}) {
    auto changed = delegation();
    (changed.*field) += "x";
    add(changed, "acc");
  }
  seen.emplace(DelegationKeys(Secret("another")).key_of(delegation(), "acc").reveal());
  EXPECT_EQ(seen.size(), 10U);
  EXPECT_TRUE(keys.key_of(delegation(), "acc") == keys.key_of(delegation(), "acc"));
}

TEST(DelegationKeys, TimesAreWholeSecondsWithinSevenDays) {
  const auto planned = plan_delegation({.start = std::nullopt,
                                        .expiry = kNow + kDelegationKeyLifeMax,
                                        .delegated_tenant_id = "other"},
                                       kNow);
  ASSERT_TRUE(planned);
  EXPECT_EQ(planned->start, "2026-05-01T12:00:00Z");
  EXPECT_EQ(planned->expiry, "2026-05-08T12:00:00Z");
  EXPECT_EQ(planned->service, "q");
  EXPECT_EQ(planned->delegated_tenant_id, "other");
}

TEST(DelegationKeys, TimesThatMakeNoSenseAreRefused) {
  using std::chrono::seconds;
  const wire::KeyInfo rows[] = {
      {.start = std::nullopt, .expiry = kNow},
      {.start = kNow + seconds{10}, .expiry = kNow + seconds{10}},
      {.start = kNow - seconds{10}, .expiry = kNow - seconds{5}},
      {.start = std::nullopt, .expiry = kNow + kDelegationKeyLifeMax + seconds{1}},
  };
  for (const auto& row : rows) {
    const auto planned = plan_delegation(row, kNow);
    ASSERT_FALSE(planned);
    EXPECT_EQ(planned.error().code, "InvalidXmlNodeValue");
  }
}

}  // namespace
}  // namespace latchkey::cloud
