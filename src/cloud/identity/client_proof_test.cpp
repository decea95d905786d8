#include "cloud/identity/client_proof.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.hpp"
#include "base/testing/await.hpp"
#include "base/testing/self_signed.hpp"
#include "base/time_text.hpp"
#include "cloud/testing/cloud_store.hpp"
#include "cloud/testing/test_tokens.hpp"
#include "wire/client_assertion.hpp"

namespace latchkey::cloud {
namespace {

constexpr std::string_view kForeignIssuer = "https://oidc.example/cluster";
constexpr std::string_view kSubject = "system:serviceaccount:default:app";

/// Made once: each takes some 50 ms.
const RsaPrivateKey& client_key() {
  static const RsaPrivateKey key = RsaPrivateKey::generate();
  return key;
}
const RsaPrivateKey& foreign_key() {
  static const RsaPrivateKey key = RsaPrivateKey::generate();
  return key;
}

class ClientProofTest : public ::testing::Test {
 protected:
  ClientProofTest() { proof_.set_port(8443); }

  /// A JWT with these texts; PS256 where the header says so.
  static std::string signed_jwt(const boost::json::object& header,
                                const boost::json::object& claims, const RsaPrivateKey& key) {
    const auto text = to_base64url(boost::json::serialize(header)) + "." +
                      to_base64url(boost::json::serialize(claims));
    const bool pss = header.at("alg").as_string() == "PS256";
    return text + "." + to_base64url(pss ? key.sign_pss(text) : key.sign(text));
  }
  boost::json::object own_claims() const {
    const auto now = to_epoch_seconds(store_.clock.now());
    return {{"aud", token_url_},
            {"iss", robot_.client_id},
            {"sub", robot_.client_id},
            {"jti", "some-id"},
            {"nbf", now},
            {"exp", now + 600}};
  }
  boost::json::object foreign_claims() const {
    const auto now = to_epoch_seconds(store_.clock.now());
    return {{"aud", boost::json::array{"api://AzureADTokenExchange"}},
            {"iss", kForeignIssuer},
            {"sub", kSubject},
            {"iat", now},
            {"exp", now + 600}};
  }
  void add(Credential credential) {
    IoContext context;
    auto added = latchkey::testing::await(
        context, store_.identities->add_credential("robot", std::move(credential)));
    ASSERT_TRUE(added) << added.error().message;
  }
  void add_certificate() {
    auto file = read_public_key_file(latchkey::testing::self_signed(client_key(), "robot"));
    ASSERT_TRUE(file) << file.error().message;
    thumbprint_ = file->sha1;
    thumbprint_sha256_ = file->sha256;
    const auto end = file->not_after;
    add({.id = {},
         .name = "c",
         .ends_at = end,
         .content = CertificateCredential{.file = std::move(*file)}});
  }
  void add_federation(std::string keys) {
    add({.id = {},
         .name = "f",
         .content = FederatedCredential{.issuer = std::string(kForeignIssuer),
                                        .subject = std::string(kSubject),
                                        .keys = std::move(keys)}});
  }
  std::string foreign_keys() const {
    return wire::render_jwks(foreign_key().public_key(), "foreign-1");
  }
  /// 0 for yes, else the AADSTS code.
  int present(std::string assertion, std::string_view type = wire::kJwtBearerAssertion) const {
    const auto checked = proof_.check({.client_id = robot_.client_id,
                                       .client_secret = {},
                                       .assertion_type = std::string(type),
                                       .assertion = std::move(assertion)});
    if (checked) {
      EXPECT_EQ((*checked)->object_id, robot_.object_id);
      return 0;
    }
    EXPECT_NE(checked.error().description, "");
    return checked.error().code;
  }
  boost::json::object rs256() const {
    return {{"alg", "RS256"}, {"x5t", to_base64url(thumbprint_)}};
  }

  testing::CloudStore store_;
  Identity robot_ = store_.create_identity("robot", IdentityKind::service_principal);
  ClientProof proof_{store_.tenancy, *store_.identities, store_.authenticator, store_.clock};
  const std::string token_url_ =
      fmt::format("https://localhost:8443/{}/oauth2/v2.0/token", testing::kTestTenant);
  Bytes thumbprint_;
  Bytes thumbprint_sha256_;
};

TEST_F(ClientProofTest, ACertificatesAssertionInEveryFormThatSdksSend) {
  add_certificate();
  const boost::json::object headers[] = {
      rs256(),
      {{"alg", "PS256"}, {"x5t#S256", to_base64url(thumbprint_sha256_)}},
      {{"alg", "RS256"}, {"kid", to_hex(thumbprint_)}},
      {{"alg", "RS256"}},
  };
  for (const auto& header : headers) {
    EXPECT_EQ(present(signed_jwt(header, own_claims(), client_key())), 0) << header;
  }
  for (const auto* audience :
       {"https://login.microsoftonline.com/{}/oauth2/v2.0/token", "https://localhost:8443/{}/v2.0",
        "https://127.0.0.1:8443/{}/oauth2/token", "https://sts.windows.net/{}/"}) {
    auto claims = own_claims();
    claims["aud"] = fmt::format(fmt::runtime(audience), testing::kTestTenant);
    EXPECT_EQ(present(signed_jwt(rs256(), claims, client_key())), 0) << audience;
  }
}

TEST_F(ClientProofTest, CertificateRefusalsRowByRow) {
  add_certificate();
  const auto now = to_epoch_seconds(store_.clock.now());
  const auto with = [&](const char* name, boost::json::value value) {
    auto claims = own_claims();
    claims[name] = std::move(value);
    return signed_jwt(rs256(), claims, client_key());
  };
  const auto good = signed_jwt(rs256(), own_claims(), client_key());
  const auto changed = with("jti", "another");
  auto none = rs256();
  none["alg"] = "none";
  auto other_print = rs256();
  other_print["x5t"] = to_base64url(Bytes(20, 7));
  struct Row {
    const char* name;
    std::string assertion;
    int code;
  };
  const Row rows[] = {
      {"no JWT", "nonsense", 50027},
      {"alg none", signed_jwt(none, own_claims(), client_key()), 50027},
      {"another's key", signed_jwt(rs256(), own_claims(), foreign_key()), 700027},
      {"unknown thumbprint", signed_jwt(other_print, own_claims(), client_key()), 700027},
      {"changed", changed.substr(0, changed.rfind('.')) + good.substr(good.rfind('.')), 700027},
      {"subject of another", with("sub", "somebody"), 700021},
      {"ended", with("exp", now - 301), 700024},
      {"not yet", with("nbf", now + 301), 700024},
      {"for another address", with("aud", "https://example.com/oauth2/v2.0/token"), 700023},
      {"another port", with("aud", "https://localhost:1/common/oauth2/v2.0/token"), 700023},
      {"another tenant", with("aud", "https://localhost:8443/other/oauth2/v2.0/token"), 700023},
      {"another path", with("aud", "https://localhost:8443/common/other"), 700023},
  };
  for (const auto& row : rows) EXPECT_EQ(present(row.assertion), row.code) << row.name;
  EXPECT_EQ(present(good, "urn:other"), 90023);
  EXPECT_EQ(present(good), 0);
  store_.clock.advance(std::chrono::hours{24 * 365 * 30});
  EXPECT_EQ(present(signed_jwt(rs256(), own_claims(), client_key())), 700027)
      << "the certificate has ended";
}

TEST_F(ClientProofTest, AFederatedTokenStandsForTheIdentityWhenAllThreeFit) {
  const boost::json::object header{{"alg", "RS256"}, {"kid", "foreign-1"}};
  const auto token = [&](const char* name = "jti", boost::json::value value = "x") {
    auto claims = foreign_claims();
    claims[name] = std::move(value);
    return signed_jwt(header, claims, foreign_key());
  };
  EXPECT_EQ(present(token()), 700211) << "no federated credential at all";
  add_federation(foreign_keys());
  const auto now = to_epoch_seconds(store_.clock.now());
  EXPECT_EQ(present(token()), 0);
  EXPECT_EQ(present(token() + "\n"), 0) << "a file's last line end";
  EXPECT_EQ(present(token("iss", "https://other.example")), 700211);
  EXPECT_EQ(present(token("sub", "system:serviceaccount:default:other")), 700213);
  EXPECT_EQ(present(token("aud", "api://other")), 700212);
  EXPECT_EQ(present(token("exp", now - 301)), 700024);
  EXPECT_EQ(present(signed_jwt(header, foreign_claims(), client_key())), 50013);
  const boost::json::object unknown{{"alg", "RS256"}, {"kid", "foreign-2"}};
  EXPECT_EQ(present(signed_jwt(unknown, foreign_claims(), foreign_key())), 50013);
}

TEST_F(ClientProofTest, AnIssuerThatTheCloudTrustsNeedsNoKeysInTheCredential) {
  add_federation("");
  const boost::json::object header{{"alg", "RS256"}, {"kid", "foreign-1"}};
  const auto token = signed_jwt(header, foreign_claims(), foreign_key());
  EXPECT_EQ(present(token), 50013);
  store_.authenticator.trust({.issuer = std::string(kForeignIssuer),
                              .audiences = {},
                              .keys = read_issuer_keys(foreign_keys()).value()});
  EXPECT_EQ(present(token), 0);
}

TEST_F(ClientProofTest, ASecretIsGoodUntilItsEndOrItsRemoval) {
  const auto ask = [&](std::string_view secret) {
    const auto checked = proof_.check({.client_id = robot_.client_id,
                                       .client_secret = Secret(std::string(secret)),
                                       .assertion_type = {},
                                       .assertion = {}});
    return checked ? 0 : checked.error().code;
  };
  IoContext context;
  const auto now = to_epoch_seconds(store_.clock.now());
  auto made = latchkey::testing::await(
      context, store_.identities->add_secret(
                   "robot", {.id = {}, .name = "s", .ends_at = now + 60, .content = {}}));
  ASSERT_TRUE(made);
  EXPECT_EQ(ask(""), 7000216);
  EXPECT_EQ(ask("guess"), 7000215);
  EXPECT_EQ(ask(made->text.reveal()), 0);
  store_.clock.advance(std::chrono::seconds{60});
  EXPECT_EQ(ask(made->text.reveal()), 7000222);
  auto lasting = latchkey::testing::await(context, store_.identities->add_secret("robot", {}));
  EXPECT_EQ(ask(lasting->text.reveal()), 0);
  EXPECT_TRUE(latchkey::testing::await(
      context, store_.identities->remove_credential("robot", lasting->credential.id)));
  EXPECT_EQ(ask(lasting->text.reveal()), 7000215);
}

}  // namespace
}  // namespace latchkey::cloud
