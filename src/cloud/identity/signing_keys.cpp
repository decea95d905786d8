#include "cloud/identity/signing_keys.hpp"

#include <utility>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "base/time_text.hpp"
#include "wire/jwt.hpp"

namespace latchkey::cloud {
namespace {

Result<> insert(sqlite::Database& database, std::string_view key_set, std::int64_t ends_at) {
  return database.cached("INSERT INTO former_signing_keys(key_set, ends_at) VALUES(?1, ?2)")
      .bind(1, key_set)
      .bind(2, ends_at)
      .run();
}

}  // namespace

SigningKeys::SigningKeys(const RsaPrivateKey& current, const Clock& clock)
    : current_(current),
      current_id_(wire::key_id_of(current.public_key())),
      current_public_(current.public_key()),
      clock_(clock) {}

Result<> SigningKeys::read(sqlite::Database& database) {
  auto made = database.execute(
      "CREATE TABLE IF NOT EXISTS former_signing_keys("
      "  key_set TEXT NOT NULL,"  // JWKS with the one key
      "  ends_at INTEGER NOT NULL)");
  if (!made) return made;
  auto dropped = database.cached("DELETE FROM former_signing_keys WHERE ends_at <= ?1")
                     .bind(1, to_epoch_seconds(clock_.now()))
                     .run();
  if (!dropped) return dropped;
  former_.clear();
  auto& rows = database.cached("SELECT key_set, ends_at FROM former_signing_keys");
  for (;;) {
    auto row = rows.step();
    if (!row) return fail(row.error());
    if (!*row) break;
    auto keys = wire::parse_jwks(rows.text(0));
    if (!keys || keys->empty()) continue;
    former_.push_back({.key_id = keys->front().key_id,
                       .key = std::move(keys->front().key),
                       .ends_at = rows.integer(1)});
  }
  rows.reset();
  return {};
}

const RsaPublicKey* SigningKeys::find(std::string_view key_id) const {
  if (key_id == current_id_) return &current_public_;
  for (const Former& former : former_) {
    if (former.key_id == key_id && lives(former)) return &former.key;
  }
  return nullptr;
}

std::string SigningKeys::render() const {
  std::vector<wire::TokenKey> keys{{.key_id = current_id_, .key = current_public_, .issuer = ""}};
  for (const Former& former : former_) {
    if (former.key_id == current_id_ || !lives(former)) continue;
    keys.push_back({.key_id = former.key_id, .key = former.key, .issuer = ""});
  }
  return wire::render_jwks(keys);
}

Task<Result<std::string>> SigningKeys::rotate(Keep keep) {
  LK_ASSERT(writer_ != nullptr);
  const std::int64_t ends_at =
      to_epoch_seconds(clock_.now()) + std::chrono::seconds(kTokenLifeMax).count();
  auto work = [set = wire::render_jwks(current_public_, current_id_),
               ends_at](sqlite::Database& database) { return insert(database, set, ends_at); };
  // First the old key's place in the key set: a crash after this costs nothing.
  auto written = co_await writer_->run(std::move(work));
  if (!written) co_return fail(written.error());
  const auto made = RsaPrivateKey::generate();
  if (auto kept = keep(made.to_pem()); !kept) co_return fail(kept.error());
  former_.push_back({.key_id = current_id_, .key = current_public_, .ends_at = ends_at});
  current_ = made;
  current_public_ = made.public_key();
  current_id_ = wire::key_id_of(current_public_);
  log::info("signing_key_rotated", {{"key", current_id_}});
  co_return current_id_;
}

bool SigningKeys::lives(const Former& former) const {
  return to_epoch_seconds(clock_.now()) < former.ends_at;
}

}  // namespace latchkey::cloud
