#include "codes/code_hasher.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/assert.hpp"
#include "base/encoding.hpp"

namespace latchkey::codes {
namespace {

Sha256 keyed(const Pepper& pepper, std::string_view text) {
  return hmac_sha256(as_bytes(pepper.value.reveal()), text);
}

std::string labelled(std::string_view label, std::string_view data) {
  return std::string(label).append(1, '\0').append(data);
}

}  // namespace

CodeHasher::CodeHasher(std::vector<Pepper> peppers) {
  LK_ASSERT(!peppers.empty());
  replace(std::move(peppers));
}

CodeHasher::CodeHasher(Secret pepper, std::string key_id) {
  peppers_.push_back({.key_id = std::move(key_id), .value = std::move(pepper)});
}

void CodeHasher::replace(std::vector<Pepper> peppers) {
  if (peppers.empty()) return;
  peppers_ = std::move(peppers);
  // Vaults tell whole seconds: of two versions of one second every copy must choose the same.
  std::sort(peppers_.begin(), peppers_.end(), [](const Pepper& a, const Pepper& b) {
    return std::tie(a.created, a.key_id) > std::tie(b.created, b.key_id);
  });
}

CodeHasher::NewKey CodeHasher::hash_new(std::string_view code, UtcTime now) const {
  const Pepper& pepper = peppers_[current(now)];
  return {.key = keyed(pepper, code), .key_id = pepper.key_id};
}

CodeKeys CodeHasher::hash_all(std::string_view code, UtcTime now) const {
  CodeKeys keys;
  for (std::size_t i = 0; i < peppers_.size(); ++i) {
    // Nothing was issued under this one since its successor settled. The newest counts before it
    // settles: another copy's clock may be ahead.
    const bool over = i > 0 && peppers_[i - 1].created + kPepperSettle + kPepperKept < now;
    if (over) break;
    keys.push_back(keyed(peppers_[i], code));
  }
  return keys;
}

Sha256 CodeHasher::derive(std::string_view label, std::string_view data, UtcTime now) const {
  return hash_new(labelled(label, data), now).key;
}

CodeKeys CodeHasher::derive_all(std::string_view label, std::string_view data, UtcTime now) const {
  return hash_all(labelled(label, data), now);
}

std::size_t CodeHasher::current(UtcTime now) const {
  // The newest that has settled; the oldest when none has, since there is nothing better.
  std::size_t i = 0;
  while (i + 1 < peppers_.size() && peppers_[i].created + kPepperSettle > now) ++i;
  return i;
}

}  // namespace latchkey::codes
