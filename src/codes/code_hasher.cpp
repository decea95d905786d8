#include "codes/code_hasher.hpp"

#include "base/encoding.hpp"

namespace latchkey::codes {

Sha256 CodeHasher::hash(std::string_view code) const {
  return hmac_sha256(as_bytes(pepper_.reveal()), code);
}

}  // namespace latchkey::codes
