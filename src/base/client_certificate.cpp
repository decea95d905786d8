#include "base/client_certificate.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>

#include "base/openssl_ptr.hpp"

namespace latchkey {
namespace {

using openssl::Bio;
using openssl::Certificate;
using openssl::Number;

tl::unexpected<Error> unfit(std::string_view why) {
  return fail(ErrorKind::invalid_argument, "InvalidCertificate", std::string(why));
}

Bytes der_of(X509* certificate) {
  Bytes der(static_cast<std::size_t>(i2d_X509(certificate, nullptr)));
  unsigned char* out = der.data();
  i2d_X509(certificate, &out);
  return der;
}

bool has_modulus(X509* certificate, const Bytes& modulus) {
  const EVP_PKEY* key = X509_get0_pubkey(certificate);
  BIGNUM* raw = nullptr;
  if (key == nullptr || EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &raw) != 1) return false;
  const Number number(raw);
  Bytes bytes(static_cast<std::size_t>(BN_num_bytes(raw)));
  BN_bn2bin(raw, bytes.data());
  return bytes == modulus;
}

}  // namespace

Result<ClientCertificate> read_client_certificate(std::string_view pem) {
  if (pem.find("ENCRYPTED") != std::string_view::npos) {
    return unfit("its private key is under a password; take that off (openssl pkey -in FILE)");
  }
  auto key = RsaPrivateKey::from_pem(pem);
  if (!key) return unfit("it holds no RSA private key in PEM form");
  ClientCertificate made{.key = std::move(*key), .chain = {}};

  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const Bytes modulus = made.key.public_key().modulus();
  bool found = false;
  for (;;) {
    const Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!certificate) break;
    made.chain.push_back(der_of(certificate.get()));
    if (found || !has_modulus(certificate.get(), modulus)) continue;
    found = true;
    std::rotate(made.chain.begin(), made.chain.end() - 1, made.chain.end());
  }
  ERR_clear_error();
  if (!found) return unfit("it holds no certificate for its private key");
  return made;
}

}  // namespace latchkey
