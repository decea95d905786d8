#include "service/gatekeeper.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "base/hash.hpp"
#include "base/testing/await.hpp"

namespace latchkey::service {
namespace {

using http::Headers;

/// What is said about refused callers.
class AuditNotes final : public codes::Audit {
 public:
  void record(const codes::AuditEvent& event) override {
    EXPECT_EQ(event.kind, codes::AuditEventKind::caller_refused);
    notes.push_back(fmt::format("{}: {}", event.caller, event.reason));
  }
  std::vector<std::string> notes;
};

std::string entry(std::string_view name, std::string_view key, std::string_view role) {
  return fmt::format(R"({{"name":"{}","sha256":"{}","roles":["{}"]}})", name, to_hex(sha256(key)),
                     role);
}

Error error_of(ErrorKind kind, std::string code) {
  return {.kind = kind,
          .code = std::move(code),
          .message = "said by a test",
          .retry_after = {},
          .request_id = {},
          .http_status = 0};
}

class GatekeeperTest : public ::testing::Test {
 protected:
  /// A vault that holds `known_` and gives `fresh_` to those who were refused.
  Task<Result<Secret>> read_keys(bool refused) {
    reads_ += refused ? "again " : "read ";
    if (vault_fails_) co_return fail(error_of(ErrorKind::unavailable, "VaultUnavailable"));
    co_return Secret(refused ? fresh_ : known_);
  }
  Task<Result<BearerClaims>> check_token(Secret token) {
    if (token.reveal() == "good") {
      co_return BearerClaims{.client_id = "app-1", .roles = {"Codes.Verify", "Else.Read"}};
    }
    if (token.reveal() == "unknown-issuer") {
      co_return fail(error_of(ErrorKind::unavailable, "KeysUnavailable"));
    }
    co_return fail(error_of(ErrorKind::denied, "TokenExpired"));
  }
  GatekeeperOptions with_keys() {
    GatekeeperOptions options;
    options.api_keys = [this](bool refused) { return read_keys(refused); };
    return options;
  }
  GatekeeperOptions with_both() {
    GatekeeperOptions options = with_keys();
    options.bearer = [this](Secret token) { return check_token(std::move(token)); };
    return options;
  }
  tl::expected<Caller, http::Response> admit(Gatekeeper& gatekeeper, Headers headers,
                                             Role needed = Role::verify) {
    http::Request request;
    request.headers = std::move(headers);
    request.peer_address = "192.0.2.7";
    return latchkey::testing::await(context_, gatekeeper.admit(request, needed));
  }
  /// The status of a refusal; 0 for whoever is let in.
  int refused(Gatekeeper& gatekeeper, Headers headers, Role needed = Role::verify) {
    const auto caller = admit(gatekeeper, std::move(headers), needed);
    return caller ? 0 : caller.error().status;
  }

  IoContext context_;
  AuditNotes audit_;
  std::string known_ = "[" + entry("web", "key-1", "Codes.Verify") + "," +
                       entry("ops", "key-2", "Codes.Admin") + "]";
  std::string fresh_ = known_;
  std::string reads_;
  bool vault_fails_ = false;
};

TEST_F(GatekeeperTest, AnOpenApiKnowsCallersByTheirAddress) {
  Gatekeeper open({.open = true}, audit_);
  const auto caller = admit(open, Headers{{"x-api-key", "whatever"}});
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->name, "address:192.0.2.7");
  EXPECT_TRUE(audit_.notes.empty());
}

TEST_F(GatekeeperTest, AKeyOpensWhatItsRolesAllow) {
  Gatekeeper gatekeeper(with_keys(), audit_);
  const auto caller = admit(gatekeeper, Headers{{"X-Api-Key", "key-1"}});
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->name, "key:web");
  const auto admin = admit(gatekeeper, Headers{{"x-api-key", "key-1"}}, Role::admin);
  ASSERT_FALSE(admin);
  EXPECT_EQ(admin.error().status, 403);
  EXPECT_NE(admin.error().body.find("Codes.Admin"), std::string::npos);
  EXPECT_EQ(refused(gatekeeper, Headers{{"x-api-key", "key-2"}}), 403)
      << "an admin verifies nothing";
  EXPECT_EQ(audit_.notes, (std::vector<std::string>{"key:web: role missing: Codes.Admin",
                                                    "key:ops: role missing: Codes.Verify"}));
}

TEST_F(GatekeeperTest, ATokenOpensWhatItsAppRolesAllow) {
  Gatekeeper gatekeeper(with_both(), audit_);
  const auto caller = admit(gatekeeper, Headers{{"authorization", "bearer good"}});
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->name, "app:app-1");
  EXPECT_EQ(refused(gatekeeper, Headers{{"Authorization", "Bearer good"}}, Role::issue), 403);
}

TEST_F(GatekeeperTest, WithoutACredentialTheAnswerNamesThoseThatAreAccepted) {
  Gatekeeper keys_only(with_keys(), audit_);
  Gatekeeper both(with_both(), audit_);
  for (const Headers& headers :
       {Headers{}, Headers{{"x-api-key", ""}}, Headers{{"Authorization", "Basic YTpi"}},
        Headers{{"Authorization", "Bearer"}}, Headers{{"Authorization", "Bearer good"}}}) {
    const auto caller = admit(keys_only, headers);
    ASSERT_FALSE(caller);
    EXPECT_EQ(caller.error().status, 401);
    EXPECT_EQ(caller.error().headers.count("WWW-Authenticate"), 1U);
    EXPECT_EQ(caller.error().headers.find("WWW-Authenticate"),
              R"(ApiKey realm="latchkey", header="x-api-key")");
  }
  const auto caller = admit(both, Headers{});
  ASSERT_FALSE(caller);
  EXPECT_EQ(caller.error().headers.count("WWW-Authenticate"), 2U);
  EXPECT_EQ(audit_.notes.front(), "address:192.0.2.7: no credential");
}

TEST_F(GatekeeperTest, AnUnknownKeyIsLookedForInAFreshCopyAndThenRefused) {
  Gatekeeper gatekeeper(with_keys(), audit_);
  EXPECT_EQ(refused(gatekeeper, Headers{{"x-api-key", "key-3"}}), 401);
  EXPECT_EQ(reads_, "read again ");
  fresh_ = "[" + entry("new", "key-3", "Codes.Verify") + "]";
  known_ = fresh_;
  EXPECT_EQ(refused(gatekeeper, Headers{{"x-api-key", "key-3"}}), 0);
  EXPECT_EQ(refused(gatekeeper, Headers{{"x-api-key", "key-1"}}), 401) << "taken out";
  EXPECT_EQ(audit_.notes.back(), "address:192.0.2.7: unknown API key");
}

TEST_F(GatekeeperTest, ARotatedKeyIsTakenAtOnce) {
  Gatekeeper gatekeeper(with_keys(), audit_);
  fresh_ = "[" + entry("new", "key-3", "Codes.Verify") + "]";
  EXPECT_EQ(refused(gatekeeper, Headers{{"x-api-key", "key-3"}}), 0);
  EXPECT_TRUE(audit_.notes.empty());
}

TEST_F(GatekeeperTest, SeveralCredentialsAreRefused) {
  Gatekeeper gatekeeper(with_both(), audit_);
  for (const Headers& headers :
       {Headers{{"x-api-key", "key-1"}, {"Authorization", "Bearer good"}},
        Headers{{"x-api-key", "key-1"}, {"x-api-key", "key-1"}},
        Headers{{"Authorization", "Bearer good"}, {"Authorization", "Bearer good"}}}) {
    EXPECT_EQ(refused(gatekeeper, headers), 400);
  }
}

TEST_F(GatekeeperTest, ABadTokenIsRefusedAndTheAuditSaysWhy) {
  Gatekeeper gatekeeper(with_both(), audit_);
  EXPECT_EQ(refused(gatekeeper, Headers{{"Authorization", "Bearer bad"}}), 401);
  EXPECT_EQ(audit_.notes, (std::vector<std::string>{"address:192.0.2.7: TokenExpired"}));
}

TEST_F(GatekeeperTest, WhoCannotBeToldApartIsNotLetIn) {
  Gatekeeper gatekeeper(with_both(), audit_);
  EXPECT_EQ(refused(gatekeeper, Headers{{"Authorization", "Bearer unknown-issuer"}}), 503);
  vault_fails_ = true;
  EXPECT_EQ(refused(gatekeeper, Headers{{"x-api-key", "key-1"}}), 503);
  vault_fails_ = false;
  known_ = "not json: key-1";
  const auto caller = admit(gatekeeper, Headers{{"x-api-key", "key-1"}});
  ASSERT_FALSE(caller);
  EXPECT_EQ(caller.error().status, 503);
  EXPECT_EQ(caller.error().body.find("key-1"), std::string::npos);
}

TEST_F(GatekeeperTest, NoAnswerOrNoteRepeatsACredential) {
  Gatekeeper gatekeeper(with_both(), audit_);
  for (const Headers& headers :
       {Headers{{"x-api-key", "s3cret"}}, Headers{{"Authorization", "Bearer s3cret"}},
        Headers{{"x-api-key", "s3cret"}, {"Authorization", "Bearer x"}}}) {
    const auto caller = admit(gatekeeper, headers);
    ASSERT_FALSE(caller);
    EXPECT_EQ(caller.error().body.find("s3cret"), std::string::npos);
    EXPECT_EQ(audit_.notes.back().find("s3cret"), std::string::npos);
  }
}

}  // namespace
}  // namespace latchkey::service
