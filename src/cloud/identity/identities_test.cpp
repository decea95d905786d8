#include "cloud/identity/identities.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/testing/await.hpp"
#include "cloud/testing/cloud_store.hpp"

namespace latchkey::cloud {
namespace {

using latchkey::testing::await;
using testing::CloudStore;

TEST(Identities, EachHasIdsAndSecretsOfItsOwn) {
  CloudStore store;
  const auto api = store.ensure_identity("latchkey-api");
  const auto watcher = store.ensure_identity("latchkey-watcher");
  const std::set<std::string_view> values{
      api.client_id,     api.object_id,     api.identity_header.reveal(),
      watcher.client_id, watcher.object_id, watcher.identity_header.reveal()};
  EXPECT_EQ(values.size(), 6U);
  EXPECT_EQ(api.identity_header.reveal().size(), 64U);
  EXPECT_EQ(store.identities->by_client_id(api.client_id)->name, "latchkey-api");
  EXPECT_EQ(store.identities->by_object_id(watcher.object_id)->name, "latchkey-watcher");
  EXPECT_EQ(store.identities->by_header(watcher.identity_header.reveal())->name,
            "latchkey-watcher");
}

TEST(Identities, StayTheSameOverCallsAndRestarts) {
  CloudStore store;
  const auto first = store.ensure_identity("api");
  EXPECT_EQ(store.ensure_identity("API").object_id, first.object_id);
  store.restart();
  const auto again = store.ensure_identity("api");
  EXPECT_EQ(again.client_id, first.client_id);
  EXPECT_EQ(again.object_id, first.object_id);
  EXPECT_TRUE(again.identity_header == first.identity_header);
}

TEST(Identities, AppRolesStayOverRestarts) {
  CloudStore store;
  IoContext context;
  const auto give = [&](std::string id, std::string role) {
    auto given = await(context, store.identities->ensure_app_role(std::move(id), std::move(role)));
    return given ? "" : given.error().code;
  };
  const auto api = store.ensure_identity("api");
  store.ensure_identity("other");
  EXPECT_EQ(give(api.object_id, "Codes.Issue"), "");
  EXPECT_EQ(give(api.object_id, "Codes.Issue"), "");
  EXPECT_EQ(give(api.object_id, "Codes Issue"), "InvalidAppRole");
  EXPECT_EQ(give("nobody", "Codes.Issue"), "IdentityNotFound");
  store.restart();
  EXPECT_EQ(store.identities->by_name("api")->app_roles, std::vector<std::string>{"Codes.Issue"});
  EXPECT_TRUE(store.identities->by_name("other")->app_roles.empty());
}

TEST(Identities, NothingFindsAnIdentityThatIsNotThere) {
  CloudStore store;
  store.ensure_identity("api");
  EXPECT_EQ(store.identities->by_name("other"), nullptr);
  EXPECT_EQ(store.identities->by_header(""), nullptr);
  EXPECT_EQ(store.identities->by_header("guess"), nullptr);
  EXPECT_EQ(store.identities->by_client_id(""), nullptr);
}

TEST(Identities, TheDefaultIsTheOneOfThatNameElseTheOnlyOne) {
  CloudStore store;
  EXPECT_EQ(store.identities->default_identity(), nullptr);
  store.ensure_identity("api");
  EXPECT_EQ(store.identities->default_identity()->name, "api");
  store.ensure_identity("watcher");
  EXPECT_EQ(store.identities->default_identity(), nullptr);
  store.ensure_identity("default");
  EXPECT_EQ(store.identities->default_identity()->name, "default");
}

TEST(Identities, RefusesNamesThatCannotBeWrittenEverywhere) {
  CloudStore store;
  for (const std::string& name : {std::string(), std::string("a b"), std::string("a/b"),
                                  std::string("\xc3\xa9"), std::string(65, 'a')}) {
    std::string code;
    IoContext context;
    run_to_end(context, [](Identities& all, std::string n, std::string& c) -> Task<> {
      auto ensured = co_await all.ensure(std::move(n));
      if (!ensured) c = ensured.error().code;
    }(*store.identities, name, code));
    EXPECT_EQ(code, "InvalidIdentityName") << name;
  }
}

TEST(Identities, TwoCallsAtOnceGiveOneIdentity) {
  CloudStore store;
  std::set<std::string> ids;
  const auto one = [](Identities& all, std::set<std::string>& found) -> Task<> {
    auto ensured = co_await all.ensure("api");
    found.insert(ensured.value().object_id);
  };
  const auto both = [](IoContext& context, auto start, Identities& all,
                       std::set<std::string>& found) -> Task<> {
    TaskGroup group(context.get_executor());
    group.spawn("first", start(all, found));
    group.spawn("second", start(all, found));
    co_await group.join();
  };
  IoContext context;
  run_to_end(context, both(context, one, *store.identities, ids));
  EXPECT_EQ(ids.size(), 1U);
}

}  // namespace
}  // namespace latchkey::cloud
