#include "base/public_key_file.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <ctime>
#include <memory>

#include "base/assert.hpp"
#include "base/openssl_ptr.hpp"

namespace latchkey {
namespace {

using openssl::Bio;
using openssl::Certificate;
using openssl::Key;

Bio open(std::string_view pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

Bytes thumbprint(const X509* certificate, const EVP_MD* digest) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int size = 0;
  LK_ASSERT(X509_digest(certificate, digest, bytes.data(), &size) == 1);
  return {bytes.begin(), bytes.begin() + size};
}

std::string text_of(BIO* written) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(written, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::int64_t end_of(const X509* certificate) {
  std::tm end{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1) return 0;
  return static_cast<std::int64_t>(::timegm(&end));
}

}  // namespace

Result<PublicKeyFile> read_public_key_file(std::string_view pem) {
  const Certificate certificate(PEM_read_bio_X509(open(pem).get(), nullptr, nullptr, nullptr));
  const Key key(certificate ? X509_get_pubkey(certificate.get())
                            : PEM_read_bio_PUBKEY(open(pem).get(), nullptr, nullptr, nullptr));
  auto rsa = RsaPublicKey::from_openssl(key.get());
  if (!rsa) return fail(rsa.error());
  PublicKeyFile read{.key = std::move(*rsa)};
  const Bio written(BIO_new(BIO_s_mem()));
  LK_ASSERT((certificate ? PEM_write_bio_X509(written.get(), certificate.get())
                         : PEM_write_bio_PUBKEY(written.get(), key.get())) == 1);
  read.pem = text_of(written.get());
  if (certificate) {
    read.sha1 = thumbprint(certificate.get(), EVP_sha1());
    read.sha256 = thumbprint(certificate.get(), EVP_sha256());
    read.not_after = end_of(certificate.get());
  }
  return read;
}

}  // namespace latchkey
