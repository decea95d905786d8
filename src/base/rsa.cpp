#include "base/rsa.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/assert.hpp"
#include "base/openssl_ptr.hpp"

namespace latchkey {
namespace {

using openssl::Bio;
using openssl::Number;

using Context = openssl::Ptr<EVP_MD_CTX, EVP_MD_CTX_free>;

std::shared_ptr<EVP_PKEY> own(EVP_PKEY* key) {
  return {key, EVP_PKEY_free};
}

/// OpenSSL's own way is to ask at the terminal.
int no_password(char*, int, int, void*) {
  return -1;
}

Bytes number_of(const EVP_PKEY* key, const char* name) {
  BIGNUM* raw = nullptr;
  LK_ASSERT(EVP_PKEY_get_bn_param(key, name, &raw) == 1);
  const Number number(raw);
  Bytes bytes(static_cast<std::size_t>(BN_num_bytes(raw)));
  BN_bn2bin(raw, bytes.data());
  return bytes;
}

bool choose_padding(EVP_PKEY_CTX* context, int padding) {
  return EVP_PKEY_CTX_set_rsa_padding(context, padding) == 1 &&
         (padding != RSA_PKCS1_PSS_PADDING ||
          EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1);
}

bool verify_with(EVP_PKEY* key, int padding, std::string_view data, const Bytes& signature) {
  const Context context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* details = nullptr;
  return EVP_DigestVerifyInit(context.get(), &details, EVP_sha256(), nullptr, key) == 1 &&
         choose_padding(details, padding) &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(),
                          reinterpret_cast<const unsigned char*>(data.data()), data.size()) == 1;
}

Bytes sign_with(EVP_PKEY* key, int padding, std::string_view data) {
  const Context context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* details = nullptr;
  LK_ASSERT(EVP_DigestSignInit(context.get(), &details, EVP_sha256(), nullptr, key) == 1);
  LK_ASSERT(choose_padding(details, padding));
  std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(key));
  Bytes signature(size);
  LK_ASSERT(EVP_DigestSign(context.get(), signature.data(), &size,
                           reinterpret_cast<const unsigned char*>(data.data()), data.size()) == 1);
  signature.resize(size);
  return signature;
}

}  // namespace

Result<RsaPublicKey> RsaPublicKey::from_numbers(const Bytes& modulus, const Bytes& exponent) {
  const Number n(BN_bin2bn(modulus.data(), static_cast<int>(modulus.size()), nullptr));
  const Number e(BN_bin2bn(exponent.data(), static_cast<int>(exponent.size()), nullptr));
  const openssl::Ptr<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> build(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
  OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
  const openssl::Ptr<OSSL_PARAM, OSSL_PARAM_free> parameters(OSSL_PARAM_BLD_to_param(build.get()));
  const openssl::Ptr<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(
      EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  if (modulus.size() < 256 || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return fail(ErrorKind::invalid_argument, "InvalidKey",
                "not an RSA public key of at least 2048 bits");
  }
  return RsaPublicKey(own(key));
}

Result<RsaPublicKey> RsaPublicKey::from_openssl(EVP_PKEY* key) {
  if (key == nullptr || EVP_PKEY_is_a(key, "RSA") != 1 || EVP_PKEY_get_bits(key) < 2048) {
    return fail(ErrorKind::invalid_argument, "InvalidKey",
                "not an RSA public key of at least 2048 bits");
  }
  LK_ASSERT(EVP_PKEY_up_ref(key) == 1);
  return RsaPublicKey(own(key));
}

bool RsaPublicKey::verify(std::string_view data, const Bytes& signature) const {
  return verify_with(key_.get(), RSA_PKCS1_PADDING, data, signature);
}
bool RsaPublicKey::verify_pss(std::string_view data, const Bytes& signature) const {
  return verify_with(key_.get(), RSA_PKCS1_PSS_PADDING, data, signature);
}

Bytes RsaPublicKey::modulus() const {
  return number_of(key_.get(), OSSL_PKEY_PARAM_RSA_N);
}
Bytes RsaPublicKey::exponent() const {
  return number_of(key_.get(), OSSL_PKEY_PARAM_RSA_E);
}

RsaPrivateKey RsaPrivateKey::generate(unsigned bits) {
  EVP_PKEY* key = EVP_RSA_gen(bits);
  LK_ASSERT(key != nullptr);
  return RsaPrivateKey(own(key));
}

Result<RsaPrivateKey> RsaPrivateKey::from_pem(std::string_view pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr);
  ERR_clear_error();
  if (key == nullptr || EVP_PKEY_is_a(key, "RSA") != 1) {
    EVP_PKEY_free(key);
    return fail(ErrorKind::invalid_argument, "InvalidKey", "not an RSA private key in PEM form");
  }
  return RsaPrivateKey(own(key));
}

Secret RsaPrivateKey::to_pem() const {
  const Bio bio(BIO_new(BIO_s_secmem()));
  LK_ASSERT(
      PEM_write_bio_PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return Secret(std::string(data, static_cast<std::size_t>(size)));
}

Bytes RsaPrivateKey::sign(std::string_view data) const {
  return sign_with(key_.get(), RSA_PKCS1_PADDING, data);
}
Bytes RsaPrivateKey::sign_pss(std::string_view data) const {
  return sign_with(key_.get(), RSA_PKCS1_PSS_PADDING, data);
}

}  // namespace latchkey
