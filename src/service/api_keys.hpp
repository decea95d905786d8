#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "service/role.hpp"

/// API keys, as a Key Vault secret holds them: hashed, so that who reads the secret can call
/// nothing. A plain SHA-256 is enough, for a key has 256 random bits.
namespace latchkey::service {

inline constexpr std::size_t kApiKeysMax = 1000;

/// One entry of the secret, a JSON array of
/// {"name":"web","sha256":"<hex of SHA-256 of the key>","roles":["Codes.Issue","Codes.Verify"]}.
struct ApiKey {
  std::string name;        ///< 1 to 64 of A-Z a-z 0-9 . _ -; no two alike
  std::string sha256_hex;  ///< lower case
  std::vector<Role> roles;
};

/// An empty array is right: nobody has a key. Error: invalid_argument, saying which entry and
/// member; never its content.
Result<std::vector<ApiKey>> parse_api_keys(std::string_view json);

/// The entry of `key`; nullptr when there is none. Looks at every entry, whatever it finds.
const ApiKey* find_api_key(const std::vector<ApiKey>& keys, std::string_view key);

struct NewApiKey {
  Secret key;              ///< "lk_" and 43 characters of base64url; shown once, kept nowhere
  std::string json_entry;  ///< the entry to add to the secret
};
/// `name` and `roles` must be such as parse_api_keys takes (asserted).
NewApiKey render_new_api_key(std::string_view name, const std::vector<Role>& roles, Random& random);

}  // namespace latchkey::service
