#include "base/testing/self_signed.hpp"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

#include "base/openssl_ptr.hpp"

namespace latchkey::testing {
namespace {

using openssl::Bio;
using openssl::Certificate;
using openssl::Key;

}  // namespace

std::string self_signed(const RsaPrivateKey& key, const std::string& common_name) {
  const Secret pem = key.to_pem();
  const Bio input(BIO_new_mem_buf(pem.reveal().data(), static_cast<int>(pem.reveal().size())));
  const Key native(PEM_read_bio_PrivateKey(input.get(), nullptr, nullptr, nullptr));
  const Certificate certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), native.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get()));
  X509_sign(certificate.get(), native.get(), EVP_sha256());
  const Bio output(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(output.get(), certificate.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(output.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace latchkey::testing
