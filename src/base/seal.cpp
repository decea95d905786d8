#include "base/seal.hpp"

#include <openssl/evp.h>

#include <array>
#include <memory>

#include "base/assert.hpp"

namespace latchkey {
namespace {

constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;

struct Free {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, Free>;

unsigned char* bytes(char* text) {
  return reinterpret_cast<unsigned char*>(text);
}
const unsigned char* bytes(const char* text) {
  return reinterpret_cast<const unsigned char*>(text);
}

}  // namespace

std::string seal(const Sha256& key, std::string_view plain, Random& random) {
  std::array<std::uint8_t, kNonceBytes> nonce{};
  random.fill(nonce);
  std::string sealed(nonce.begin(), nonce.end());
  sealed.resize(kNonceBytes + plain.size() + kTagBytes);
  char* const text = sealed.data() + kNonceBytes;

  const Context context(EVP_CIPHER_CTX_new());
  int length = 0;
  LK_ASSERT(EVP_EncryptInit_ex2(context.get(), EVP_aes_256_gcm(), key.data(), nonce.data(),
                                nullptr) == 1);
  LK_ASSERT(EVP_EncryptUpdate(context.get(), bytes(text), &length, bytes(plain.data()),
                              static_cast<int>(plain.size())) == 1);
  LK_ASSERT(EVP_EncryptFinal_ex(context.get(), bytes(text) + length, &length) == 1);
  LK_ASSERT(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes,
                                text + plain.size()) == 1);
  return sealed;
}

std::optional<std::string> open_sealed(const Sha256& key, std::string_view sealed) {
  if (sealed.size() < kNonceBytes + kTagBytes) return std::nullopt;
  const auto text = sealed.substr(kNonceBytes, sealed.size() - kNonceBytes - kTagBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));  // The call below wants it mutable.
  std::string plain(text.size(), '\0');

  const Context context(EVP_CIPHER_CTX_new());
  int length = 0;
  LK_ASSERT(EVP_DecryptInit_ex2(context.get(), EVP_aes_256_gcm(), key.data(), bytes(sealed.data()),
                                nullptr) == 1);
  LK_ASSERT(EVP_DecryptUpdate(context.get(), bytes(plain.data()), &length, bytes(text.data()),
                              static_cast<int>(text.size())) == 1);
  LK_ASSERT(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1);
  if (EVP_DecryptFinal_ex(context.get(), bytes(plain.data()) + length, &length) != 1) {
    return std::nullopt;
  }
  return plain;
}

}  // namespace latchkey
