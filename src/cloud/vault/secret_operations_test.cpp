#include "base/time_text.hpp"
#include "cloud/testing/vault_fixture.hpp"

/// What happens to a secret after it is set: change, deletion and the way back, backup.
namespace latchkey::cloud {
namespace {

using http::Method;
using testing::ask;
using testing::header_of;
using testing::json_member;

class SecretOperationsTest : public testing::VaultFixture {
 protected:
  SecretOperationsTest() { officer(); }
  http::Response patch(std::string path, std::string body) {
    return send(Method::patch, std::move(path), std::move(body));
  }
  std::string value_of(std::string path) { return json_member(get(std::move(path)).body, "value"); }
  std::string error_of(const http::Response& response) {
    return fmt::format("{} {} {}", response.status, json_member(response.body, "error.code"),
                       json_member(response.body, "error.innererror.code"));
  }
  std::string set(std::string name, std::string value) {
    const auto id = json_member(put(std::move(name), R"({"value":")" + value + "\"}").body, "id");
    return id.substr(id.rfind('/') + 1);
  }
  void pass(std::chrono::seconds time) { store_.clock.advance(time); }
  std::string now() { return std::to_string(to_epoch_seconds(store_.clock.now())); }
};

TEST_F(SecretOperationsTest, UpdateChangesWhatItNamesAndNeverTheValue) {
  put("n", R"({"value":"v","contentType":"a","tags":{"k":"1","l":"2"},"attributes":{"exp":9}})");
  const auto created = now();
  pass(std::chrono::seconds{60});
  const auto updated = patch("/secrets/n/", R"({"tags":{"k":"3"},"attributes":{"nbf":5},)"
                                            R"("value":"other"})");
  ASSERT_EQ(updated.status, 200) << updated.body;
  EXPECT_EQ(json_member(updated.body, "value"), "(none)");
  const auto got = get("/secrets/n").body;
  EXPECT_EQ(json_member(got, "value"), "v");
  EXPECT_EQ(json_member(got, "contentType"), "a");
  EXPECT_EQ(json_member(got, "tags"), R"({"k":"3"})");
  EXPECT_EQ(json_member(got, "attributes.nbf"), "5");
  EXPECT_EQ(json_member(got, "attributes.exp"), "9");
  EXPECT_EQ(json_member(got, "attributes.created"), created);
  EXPECT_EQ(json_member(got, "attributes.updated"), now());
}

TEST_F(SecretOperationsTest, UpdateReachesTheVersionThatItNames) {
  const auto first = set("n", "one");
  const auto second = set("n", "two");
  for (const auto* path : {"/secrets/n", "/secrets/n/", "/secrets/n/%2F"}) {
    EXPECT_EQ(patch(path, R"({"contentType":"newest"})").status, 200) << path;
  }
  patch("/secrets/N/" + first, R"({"contentType":"oldest","attributes":{"enabled":false}})");
  EXPECT_EQ(json_member(get("/secrets/n/" + second).body, "contentType"), "newest");
  EXPECT_EQ(error_of(get("/secrets/n/" + first)), "403 Forbidden SecretDisabled");
  EXPECT_EQ(patch("/secrets/n/" + first, R"({"attributes":{"enabled":true}})").status, 200);
  EXPECT_EQ(json_member(get("/secrets/n/" + first).body, "contentType"), "oldest");
}

TEST_F(SecretOperationsTest, ADeletedSecretIsGoneAndCanBeRecovered) {
  const auto first = set("n", "one");
  set("n", "two");
  const auto removed = remove("/secrets/N");
  ASSERT_EQ(removed.status, 200) << removed.body;
  EXPECT_EQ(json_member(removed.body, "recoveryId"),
            "https://latchkey.vault.localhost:8443/deletedsecrets/n");
  EXPECT_EQ(json_member(removed.body, "deletedDate"), now());
  const auto purge = to_epoch_seconds(store_.clock.now() + std::chrono::days{90});
  EXPECT_EQ(json_member(removed.body, "scheduledPurgeDate"), std::to_string(purge));
  EXPECT_EQ(json_member(removed.body, "value"), "(none)");
  EXPECT_EQ(json_member(removed.body, "attributes.recoveryLevel"), "Recoverable+Purgeable");

  const std::string missing = "404 SecretNotFound (none)";
  EXPECT_EQ(error_of(get("/secrets/n")), missing);
  EXPECT_EQ(error_of(get("/secrets/n/" + first)), missing);
  EXPECT_EQ(error_of(patch("/secrets/n", "{}")), missing);
  EXPECT_EQ(error_of(remove("/secrets/n")), missing);
  EXPECT_EQ(error_of(post("/secrets/n/backup")), missing);
  EXPECT_EQ(json_member(get("/secrets").body, "value"), "[]");
  EXPECT_EQ(json_member(get("/secrets/n/versions").body, "value"), "[]");
  EXPECT_EQ(error_of(put("n", R"({"value":"v"})")), "409 Conflict ObjectIsDeletedButRecoverable");
  EXPECT_EQ(get("/deletedsecrets/n").body, removed.body);

  open();
  const auto recovered = post("/deletedsecrets/n/recover");
  EXPECT_EQ(recovered.status, 200) << recovered.body;
  EXPECT_EQ(json_member(recovered.body, "recoveryId"), "(none)");
  EXPECT_EQ(value_of("/secrets/n"), "two");
  EXPECT_EQ(value_of("/secrets/n/" + first), "one");
  EXPECT_EQ(error_of(get("/deletedsecrets/n")), missing);
  EXPECT_EQ(error_of(post("/deletedsecrets/n/recover")), missing);
}

TEST_F(SecretOperationsTest, APurgedSecretIsGoneForGood) {
  set("n", "one");
  const std::string missing = "404 SecretNotFound (none)";
  EXPECT_EQ(error_of(remove("/deletedsecrets/n")), missing);
  EXPECT_EQ(value_of("/secrets/n"), "one");
  remove("/secrets/n");
  const auto purged = remove("/deletedsecrets/n");
  EXPECT_EQ(purged.status, 204);
  EXPECT_EQ(purged.body, "");
  EXPECT_EQ(error_of(post("/deletedsecrets/n/recover")), missing);
  set("n", "new");
  EXPECT_EQ(value_of("/secrets/n"), "new");
  EXPECT_EQ(get("/secrets/n/versions").body.find("},{"), std::string::npos);
}

TEST_F(SecretOperationsTest, WhatNobodyRecoversIsPurgedByItself) {
  recoverable_days_ = 7;
  open();
  set("n", "one");
  const auto removed = remove("/secrets/n");
  EXPECT_EQ(json_member(removed.body, "attributes.recoverableDays"), "7");
  EXPECT_EQ(json_member(removed.body, "attributes.recoveryLevel"),
            "CustomizedRecoverable+Purgeable");
  pass(std::chrono::days{7} - std::chrono::seconds{1});
  EXPECT_EQ(get("/deletedsecrets/n").status, 200);
  EXPECT_EQ(put("n", R"({"value":"v"})").status, 409);
  pass(std::chrono::seconds{1});
  EXPECT_EQ(get("/deletedsecrets/n").status, 404);
  EXPECT_EQ(json_member(get("/deletedsecrets").body, "value"), "[]");
  EXPECT_EQ(post("/deletedsecrets/n/recover").status, 404);
  set("n", "new");
  EXPECT_EQ(value_of("/secrets/n"), "new");
}

TEST_F(SecretOperationsTest, DeletedSecretsAreListedPageByPage) {
  for (const auto* name : {"c", "a", "b", "kept"}) set(name, "hidden");
  for (const auto* name : {"c", "a", "b"}) remove(std::string("/secrets/") + name);
  std::string names;
  std::string path = "/deletedsecrets?maxresults=2";
  for (int pages = 0; pages < 3; ++pages) {
    const auto page = get(path);
    ASSERT_EQ(page.status, 200) << page.body;
    EXPECT_EQ(page.body.find("hidden"), std::string::npos);
    for (int i = 0; i < 2; ++i) {
      const auto id = json_member(page.body, fmt::format("value.{}.recoveryId", i));
      if (id != "(none)") names += id.substr(id.rfind('/') + 1) + " ";
    }
    const auto next = json_member(page.body, "nextLink");
    if (next == "null") break;
    path = next.substr(next.find("/deletedsecrets"));
  }
  EXPECT_EQ(names, "a b c ");
}

TEST_F(SecretOperationsTest, ABackupBringsAllVersionsBack) {
  const auto first =
      json_member(put("n", R"({"value":"one\nline","contentType":"c","tags":{"t":"u"},)"
                           R"("attributes":{"enabled":false,"nbf":3,"exp":4}})")
                      .body,
                  "id");
  const auto second = set("n", "two");
  const auto versions = get("/secrets/n/versions").body;
  const auto backup = post("/secrets/n/backup");
  ASSERT_EQ(backup.status, 200) << backup.body;
  EXPECT_EQ(backup.body.find("two"), std::string::npos);
  EXPECT_EQ(error_of(post("/secrets/restore", backup.body)), "409 Conflict (none)");
  remove("/secrets/n");
  EXPECT_EQ(error_of(post("/secrets/restore", backup.body)),
            "409 Conflict ObjectIsDeletedButRecoverable");
  remove("/deletedsecrets/n");
  pass(std::chrono::hours{1});
  const auto restored = post("/secrets/restore", backup.body);
  ASSERT_EQ(restored.status, 200) << restored.body;
  EXPECT_EQ(json_member(restored.body, "value"), "(none)");
  EXPECT_EQ(get("/secrets/n/versions").body, versions);
  EXPECT_EQ(value_of("/secrets/n"), "two");
  EXPECT_EQ(value_of("/secrets/n/" + second), "two");
  const auto path = first.substr(first.find("/secrets"));
  EXPECT_EQ(patch(path, R"({"attributes":{"enabled":true}})").status, 200);
  EXPECT_EQ(value_of(path), "one\nline");
}

TEST_F(SecretOperationsTest, OnlyItsOwnVaultTakesABackup) {
  set("n", "one");
  const auto backup = post("/secrets/n/backup").body;
  remove("/secrets/n");
  remove("/deletedsecrets/n");
  const std::string blob = json_member(backup, "value");
  const std::string bad = "400 BadParameter (none)";
  EXPECT_EQ(error_of(post("/secrets/restore", "{}")), bad);
  EXPECT_EQ(error_of(post("/secrets/restore", R"({"value":"*"})")), bad);
  EXPECT_EQ(error_of(post("/secrets/restore", R"({"value":"AAAA"})")), bad);
  EXPECT_EQ(error_of(post("/secrets/restore", R"({"value":")" + blob.substr(4) + "\"}")), bad);
  store_.assign(testing::kTestPrincipal, "Key Vault Secrets Officer",
                store_.tenancy.resource_group_scope());
  host_ = "second.vault.localhost:8443";
  store_.make_vault("second");
  EXPECT_EQ(error_of(post("/secrets/restore", backup)), bad);
  host_ = "latchkey.vault.localhost:8443";
  EXPECT_EQ(post("/secrets/restore", backup).status, 200);
}

TEST_F(SecretOperationsTest, ABackupHasALimit) {
  for (int i = 0; i < 29; ++i) set("n", std::string(25 * 1024, 'v'));
  EXPECT_EQ(error_of(post("/secrets/n/backup")), "400 BadParameter (none)");
}

TEST_F(SecretOperationsTest, NoFileHoldsAValue) {
  const std::string value = "a-value-that-nobody-must-see";
  set("n", value);
  remove("/secrets/n");
  open();
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(store_.folder.path())) {
    if (!entry.is_regular_file()) continue;
    ++files;
    EXPECT_FALSE(testing::file_holds(entry.path(), value)) << entry.path();
  }
  EXPECT_GT(files, 0);
}

}  // namespace
}  // namespace latchkey::cloud
