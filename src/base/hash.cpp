#include "base/hash.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/assert.hpp"

namespace latchkey {

Sha256 sha256(std::string_view data) {
  // Fetched once: the implicit fetch of EVP_sha256() costs more than the hash of a short text.
  static EVP_MD* const kAlgorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  Sha256 digest{};
  LK_ASSERT(EVP_Digest(data.data(), data.size(), digest.data(), nullptr, kAlgorithm, nullptr) == 1);
  return digest;
}

Sha1 sha1(std::string_view data) {
  Sha1 digest{};
  LK_ASSERT(EVP_Digest(data.data(), data.size(), digest.data(), nullptr, EVP_sha1(), nullptr) == 1);
  return digest;
}

Sha256 hmac_sha256(std::span<const std::uint8_t> key, std::string_view data) {
  Sha256 digest{};
  unsigned int length = 0;
  LK_ASSERT(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                 reinterpret_cast<const unsigned char*>(data.data()), data.size(), digest.data(),
                 &length) != nullptr);
  return digest;
}

}  // namespace latchkey
