#include "cloud/store_key.hpp"

#include <utility>

#include "base/encoding.hpp"
#include "base/seal.hpp"
#include "cloud/settings.hpp"

namespace latchkey::cloud {
namespace {

constexpr std::string_view kCheck = "store_key_check";

}  // namespace

std::string StoreKey::seal(std::string_view place, std::string_view plain) const {
  return latchkey::seal(hmac_sha256(key_, place), plain, random_);
}

Result<Secret> StoreKey::open(std::string_view place, std::string_view sealed) const {
  auto plain = open_sealed(hmac_sha256(key_, place), sealed);
  if (plain) return Secret(std::move(*plain));
  return fail(ErrorKind::storage, "StoreKeyMismatch",
              "what cloud.db keeps sealed does not open with keys/store-key of the data folder");
}

Result<> StoreKey::check(sqlite::Database& database) const {
  const auto kept = keep_setting(database, kCheck, [this] { return to_base64(seal(kCheck, "")); });
  if (!kept) return fail(kept.error());
  const auto sealed = from_base64(*kept);
  if (sealed && open(kCheck, as_text(*sealed))) return {};
  return fail(ErrorKind::storage, "StoreKeyMismatch",
              "the secrets and keys in cloud.db were sealed under another key than the one in "
              "keys/store-key of the data folder. Put that file back from where it was saved; "
              "without it, move cloud.db away: secrets, function keys, identities and roles are "
              "then made anew");
}

}  // namespace latchkey::cloud
