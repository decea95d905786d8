#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/encoding.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

struct evp_pkey_st;

/// RSA signatures as JWTs use them: RS256, that is PKCS#1 v1.5 over SHA-256 (RFC 7518 section 3.3).
namespace latchkey {

class RsaPublicKey {
 public:
  /// From the big-endian numbers of a JWK.
  static Result<RsaPublicKey> from_numbers(const Bytes& modulus, const Bytes& exponent);
  /// A share of a key that OpenSSL has read; may be nullptr.
  static Result<RsaPublicKey> from_openssl(evp_pkey_st* key);
  bool verify(std::string_view data, const Bytes& signature) const;
  /// PS256: RSASSA-PSS over SHA-256 with a salt of 32 bytes (RFC 7518 section 3.5).
  bool verify_pss(std::string_view data, const Bytes& signature) const;
  Bytes modulus() const;
  Bytes exponent() const;

 private:
  friend class RsaPrivateKey;
  explicit RsaPublicKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}
  std::shared_ptr<evp_pkey_st> key_;
};

class RsaPrivateKey {
 public:
  /// 2048 bits or more; takes some 50 ms.
  static RsaPrivateKey generate(unsigned bits = 2048);
  /// The first private key in `pem`. Error: invalid_argument, also for one under a password.
  static Result<RsaPrivateKey> from_pem(std::string_view pem);
  Secret to_pem() const;
  Bytes sign(std::string_view data) const;
  Bytes sign_pss(std::string_view data) const;
  RsaPublicKey public_key() const { return RsaPublicKey(key_); }

 private:
  explicit RsaPrivateKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}
  std::shared_ptr<evp_pkey_st> key_;
};

}  // namespace latchkey
