#include "http/certificate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

#include "http/tls.hpp"

namespace latchkey::http {
namespace {

using std::chrono::days;
using std::chrono::seconds;

constexpr UtcTime kNow{seconds{1'586'969'688}};

using Certificate = std::shared_ptr<X509>;

/// All certificates of a PEM text, in order.
std::vector<Certificate> read_chain(const std::string& pem) {
  std::vector<Certificate> chain;
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  while (X509* one = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr)) {
    chain.emplace_back(one, X509_free);
  }
  BIO_free(bio);
  return chain;
}

/// What OpenSSL says of `leaf` under `authority` with its strictest checks (as Python 3.13 asks for
/// them): X509_V_OK or the error.
int verify_strictly(X509* authority, X509* leaf, UtcTime at, const char* host, const char* ip) {
  X509_STORE* store = X509_STORE_new();
  X509_STORE_add_cert(store, authority);
  X509_STORE_CTX* context = X509_STORE_CTX_new();
  X509_STORE_CTX_init(context, store, leaf, nullptr);
  X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_X509_STRICT);
  X509_VERIFY_PARAM_set_purpose(rules, X509_PURPOSE_SSL_SERVER);
  X509_VERIFY_PARAM_set_time(rules, std::chrono::floor<seconds>(at.time_since_epoch()).count());
  if (host != nullptr) X509_VERIFY_PARAM_set1_host(rules, host, 0);
  if (ip != nullptr) X509_VERIFY_PARAM_set1_ip_asc(rules, ip);
  const int ok = X509_verify_cert(context);
  const int error = X509_STORE_CTX_get_error(context);
  X509_STORE_CTX_free(context);
  X509_STORE_free(store);
  return ok == 1 ? X509_V_OK : error;
}

class Certificates : public ::testing::Test {
 protected:
  CertificateAndKey authority_ = make_authority("Local cloud", kNow, days(365));
};

TEST_F(Certificates, PassTheStrictestVerificationForTheirNamesOnly) {
  const auto made = make_server_certificate(
      authority_, {"localhost", "*.queue.localhost", "127.0.0.1", "::1"}, kNow, days(90));
  ASSERT_TRUE(made.has_value()) << made.error().message;
  const auto chain = read_chain(made->certificate_pem);
  ASSERT_EQ(chain.size(), 2U);
  struct Row {
    const char* host;
    const char* ip;
    int expected;
  };
  const Row rows[] = {
      {"localhost", nullptr, X509_V_OK},
      {"devacc.queue.localhost", nullptr, X509_V_OK},
      {nullptr, "127.0.0.1", X509_V_OK},
      {nullptr, "::1", X509_V_OK},
      {"queue.localhost", nullptr, X509_V_ERR_HOSTNAME_MISMATCH},
      {"a.b.queue.localhost", nullptr, X509_V_ERR_HOSTNAME_MISMATCH},
      {"127.0.0.1", nullptr, X509_V_ERR_HOSTNAME_MISMATCH},
      {nullptr, "127.0.0.2", X509_V_ERR_IP_ADDRESS_MISMATCH},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(verify_strictly(chain[1].get(), chain[0].get(), kNow, row.host, row.ip), row.expected)
        << (row.host != nullptr ? row.host : row.ip);
  }
}

TEST_F(Certificates, HoldFromADayBeforeUntilTheirLifetimeEnds) {
  const auto made = make_server_certificate(authority_, {"localhost"}, kNow, days(90));
  const auto chain = read_chain(made->certificate_pem);
  const auto verdict = [&](UtcTime at) {
    return verify_strictly(chain[1].get(), chain[0].get(), at, "localhost", nullptr);
  };
  EXPECT_EQ(verdict(kNow - days(1) - seconds(2)), X509_V_ERR_CERT_NOT_YET_VALID);
  EXPECT_EQ(verdict(kNow - days(1) + seconds(2)), X509_V_OK);
  EXPECT_EQ(verdict(kNow + days(90) - seconds(2)), X509_V_OK);
  EXPECT_EQ(verdict(kNow + days(90) + seconds(2)), X509_V_ERR_CERT_HAS_EXPIRED);
}

TEST_F(Certificates, TellWhenTheyEnd) {
  EXPECT_EQ(*certificate_expiry(authority_.certificate_pem), kNow + days(365));
  const auto made = make_server_certificate(authority_, {"localhost"}, kNow, days(90));
  EXPECT_EQ(*certificate_expiry(made->certificate_pem), kNow + days(90));
}

TEST_F(Certificates, NeverOutliveTheirAuthority) {
  const auto made = make_server_certificate(authority_, {"localhost"}, kNow, days(1000));
  EXPECT_EQ(*certificate_expiry(made->certificate_pem), kNow + days(365));
}

TEST_F(Certificates, OfAnotherAuthorityAreRefused) {
  const auto other = make_authority("Local cloud", kNow, days(365));
  const auto made = make_server_certificate(authority_, {"localhost"}, kNow, days(90));
  const auto leaf = read_chain(made->certificate_pem)[0];
  const auto stranger = read_chain(other.certificate_pem)[0];
  EXPECT_NE(verify_strictly(stranger.get(), leaf.get(), kNow, "localhost", nullptr), X509_V_OK);
}

TEST_F(Certificates, CannotSignFurtherOnes) {
  const auto made = make_server_certificate(authority_, {"localhost"}, kNow, days(90));
  const auto leaf = read_chain(made->certificate_pem)[0];
  EXPECT_EQ(X509_check_ca(leaf.get()), 0);
  const auto root = read_chain(authority_.certificate_pem)[0];
  EXPECT_EQ(X509_check_ca(root.get()), 1);
  EXPECT_EQ(X509_get_pathlen(root.get()), 0);
}

TEST_F(Certificates, HaveLongUnlikeSerialNumbers) {
  const auto first = make_server_certificate(authority_, {"localhost"}, kNow, days(90));
  const auto second = make_server_certificate(authority_, {"localhost"}, kNow, days(90));
  const auto one = read_chain(first->certificate_pem)[0];
  const auto two = read_chain(second->certificate_pem)[0];
  EXPECT_NE(ASN1_INTEGER_cmp(X509_get0_serialNumber(one.get()), X509_get0_serialNumber(two.get())),
            0);
  EXPECT_EQ(ASN1_STRING_length(X509_get0_serialNumber(one.get())), 16);
}

TEST_F(Certificates, RefuseWhatIsNoName) {
  for (const auto& names : std::vector<std::vector<std::string>>{
           {}, {""}, {"localhost", "a b"}, {"x,IP:1.2.3.4"}, {"*"}, {".x"}}) {
    const auto made = make_server_certificate(authority_, names, kNow, days(90));
    ASSERT_FALSE(made.has_value());
    EXPECT_EQ(made.error().kind, ErrorKind::invalid_argument);
  }
}

TEST_F(Certificates, RefuseABrokenOrForeignAuthority) {
  const auto other = make_authority("Other", kNow, days(365));
  const std::vector<CertificateAndKey> broken = {
      {.certificate_pem = "no PEM", .key_pem = authority_.key_pem},
      {.certificate_pem = authority_.certificate_pem, .key_pem = Secret("no PEM")},
      {.certificate_pem = authority_.certificate_pem, .key_pem = other.key_pem}};
  for (const auto& one : broken) {
    const auto made = make_server_certificate(one, {"localhost"}, kNow, days(90));
    ASSERT_FALSE(made.has_value());
    EXPECT_EQ(made.error().kind, ErrorKind::invalid_argument);
  }
  EXPECT_EQ(certificate_expiry("no PEM").error().kind, ErrorKind::invalid_argument);
}

TEST_F(Certificates, ServeATlsServerWithTheirOwnKeyOnly) {
  const auto made = *make_server_certificate(authority_, {"localhost"}, kNow, days(90));
  EXPECT_TRUE(TlsServerContext::from_pem(made.certificate_pem, made.key_pem).has_value());
  const auto refused = [&](std::string_view chain, const Secret& key) {
    const auto context = TlsServerContext::from_pem(chain, key);
    return !context && context.error().kind == ErrorKind::invalid_argument;
  };
  EXPECT_TRUE(refused(made.certificate_pem, authority_.key_pem));
  EXPECT_TRUE(refused("no PEM", made.key_pem));
  EXPECT_TRUE(refused(made.certificate_pem, Secret("no PEM")));
}

TEST(TlsContexts, RefuseAnExtraAuthorityThatIsNone) {
  EXPECT_TRUE(TlsClientContext::system_trust().has_value());
  const auto refused = TlsClientContext::system_trust("no PEM");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace latchkey::http
