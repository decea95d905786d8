#include "http/certificate.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <memory>

#include "base/assert.hpp"
#include "base/openssl_ptr.hpp"

namespace latchkey::http {
namespace {

using openssl::Bio;
using openssl::Certificate;
using openssl::Key;

constexpr int kSerialBits = 127;            // Fills 16 bytes and stays a positive INTEGER.
constexpr std::size_t kCommonNameMax = 64;  // RFC 5280, ub-common-name
constexpr std::size_t kDnsNameMax = 253;

Bio bio_of(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

Certificate read_certificate(std::string_view pem) {
  Certificate certificate(PEM_read_bio_X509(bio_of(pem).get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return certificate;
}

std::string to_pem(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  LK_ASSERT(PEM_write_bio_X509(bio.get(), certificate) == 1);
  return text_of(bio.get());
}

Secret to_pem(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_secmem()));
  LK_ASSERT(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return Secret(text_of(bio.get()));
}

Key new_key() {
  Key key(EVP_EC_gen("P-256"));
  LK_ASSERT(key != nullptr);
  return key;
}

/// A version 3 certificate with all but its extensions and signature.
Certificate draft(std::string_view common_name, EVP_PKEY* key, UtcTime from, UtcTime until) {
  Certificate certificate(X509_new());
  X509* const raw = certificate.get();
  LK_ASSERT(X509_set_version(raw, X509_VERSION_3) == 1);
  const openssl::Number serial(BN_new());
  LK_ASSERT(BN_rand(serial.get(), kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1);
  BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(raw));
  const auto seconds = [](UtcTime time) {
    return static_cast<time_t>(
        std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count());
  };
  ASN1_TIME_set(X509_getm_notBefore(raw), seconds(from));
  ASN1_TIME_set(X509_getm_notAfter(raw), seconds(until));
  const std::string_view name = common_name.substr(0, kCommonNameMax);
  LK_ASSERT(X509_NAME_add_entry_by_txt(X509_get_subject_name(raw), "CN", MBSTRING_UTF8,
                                       reinterpret_cast<const unsigned char*>(name.data()),
                                       static_cast<int>(name.size()), -1, 0) == 1);
  LK_ASSERT(X509_set_pubkey(raw, key) == 1);
  return certificate;
}

void add_extension(X509* certificate, X509* issuer, int which, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509V3_set_ctx_nodb(&context);
  const openssl::Ptr<X509_EXTENSION, X509_EXTENSION_free> extension(
      X509V3_EXT_conf_nid(nullptr, &context, which, value.c_str()));
  LK_ASSERT(extension != nullptr);
  LK_ASSERT(X509_add_ext(certificate, extension.get(), -1) == 1);
}

bool is_dns_name(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  return !name.empty() && name.size() <= kDnsNameMax && name.front() != '.' &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '.' || c == '_';
         });
}

/// The subjectAltName in OpenSSL's notation; empty when one of the names is none.
std::string alternative_names(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) {
    boost::system::error_code no_address;
    boost::asio::ip::make_address(name, no_address);
    if (no_address && !is_dns_name(name)) return {};
    if (!out.empty()) out += ',';
    out += (no_address ? "DNS:" : "IP:") + name;
  }
  return out;
}

UtcTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  LK_ASSERT(ASN1_TIME_to_tm(time, &parts) == 1);
  const std::chrono::year_month_day date{
      std::chrono::year(parts.tm_year + 1900),
      std::chrono::month(static_cast<unsigned>(parts.tm_mon + 1)),
      std::chrono::day(static_cast<unsigned>(parts.tm_mday))};
  return std::chrono::sys_days(date) + std::chrono::hours(parts.tm_hour) +
         std::chrono::minutes(parts.tm_min) + std::chrono::seconds(parts.tm_sec);
}

}  // namespace

CertificateAndKey make_authority(std::string_view common_name, UtcTime now,
                                 std::chrono::days lifetime) {
  const Key key = new_key();
  const Certificate made =
      draft(common_name, key.get(), now - std::chrono::days(1), now + lifetime);
  X509* const raw = made.get();
  X509_set_issuer_name(raw, X509_get_subject_name(raw));
  // Strict verifiers (Python 3.13) insist on the critical flags and on the key identifier.
  add_extension(raw, raw, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(raw, raw, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(raw, raw, NID_subject_key_identifier, "hash");
  LK_ASSERT(X509_sign(raw, key.get(), EVP_sha256()) > 0);
  return {.certificate_pem = to_pem(raw), .key_pem = to_pem(key.get())};
}

Result<CertificateAndKey> make_server_certificate(const CertificateAndKey& authority,
                                                  const std::vector<std::string>& names,
                                                  UtcTime now, std::chrono::days lifetime) {
  const Certificate issuer = read_certificate(authority.certificate_pem);
  const Key issuer_key(
      PEM_read_bio_PrivateKey(bio_of(authority.key_pem.reveal()).get(), nullptr, nullptr, nullptr));
  const bool belong_together =
      issuer && issuer_key && X509_check_private_key(issuer.get(), issuer_key.get()) == 1;
  ERR_clear_error();
  if (!belong_together) {
    return fail(ErrorKind::invalid_argument, "InvalidCertificate",
                "the authority's certificate and key cannot be read or do not belong together");
  }
  const std::string san = alternative_names(names);
  if (san.empty()) {
    return fail(ErrorKind::invalid_argument, "InvalidName",
                "a server certificate needs names, each a DNS name or an IP address");
  }

  const Key key = new_key();
  const UtcTime until =
      std::min<UtcTime>(now + lifetime, time_of(X509_get0_notAfter(issuer.get())));
  const Certificate made = draft(names.front(), key.get(), now - std::chrono::days(1), until);
  X509* const raw = made.get();
  X509_set_issuer_name(raw, X509_get_subject_name(issuer.get()));
  add_extension(raw, issuer.get(), NID_basic_constraints, "critical,CA:FALSE");
  // No keyEncipherment: RFC 8813 section 3 forbids it for an elliptic-curve key.
  add_extension(raw, issuer.get(), NID_key_usage, "critical,digitalSignature");
  add_extension(raw, issuer.get(), NID_ext_key_usage, "serverAuth");
  add_extension(raw, issuer.get(), NID_subject_key_identifier, "hash");
  add_extension(raw, issuer.get(), NID_authority_key_identifier, "keyid:always");
  add_extension(raw, issuer.get(), NID_subject_alt_name, san);
  LK_ASSERT(X509_sign(raw, issuer_key.get(), EVP_sha256()) > 0);
  return CertificateAndKey{.certificate_pem = to_pem(raw) + to_pem(issuer.get()),
                           .key_pem = to_pem(key.get())};
}

Result<UtcTime> certificate_expiry(std::string_view pem) {
  const Certificate certificate = read_certificate(pem);
  if (!certificate) {
    return fail(ErrorKind::invalid_argument, "InvalidCertificate",
                "no certificate in PEM form can be read");
  }
  return time_of(X509_get0_notAfter(certificate.get()));
}

}  // namespace latchkey::http
