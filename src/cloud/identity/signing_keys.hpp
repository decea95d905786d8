#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/rsa.hpp"
#include "base/secret.hpp"
#include "base/sqlite_writer.hpp"
#include "base/task.hpp"

namespace latchkey::cloud {

/// The keys that sign our access tokens. One signs; those that signed before stay in the key set
/// until the last of their tokens has ended, as in Entra ID, so that a rotation refuses nobody.
/// Private keys of the past are forgotten at once. One thread.
class SigningKeys {
 public:
  /// No token that we sign lives longer, with the skew that checkers allow.
  static constexpr std::chrono::hours kTokenLifeMax{25};
  /// Keeps the new private key where the next start finds it.
  using Keep = std::function<Result<>(const Secret& pem)>;

  SigningKeys(const RsaPrivateKey& current, const Clock& clock);
  /// Makes the table of former keys and reads it. Before the writer starts.
  Result<> read(sqlite::Database& database);
  void use_writer(sqlite::Writer& writer) { writer_ = &writer; }

  const RsaPrivateKey& current() const { return current_; }
  const std::string& current_id() const { return current_id_; }
  /// Nullptr for a key that is not ours, or no longer.
  const RsaPublicKey* find(std::string_view key_id) const;
  /// The key set (JWKS): the current key first.
  std::string render() const;
  /// Takes a new key (some 50 ms) and gives its id; tokens are signed with it from now on. What can
  /// fail comes first: an error means that nothing has changed but a former key that is current.
  Task<Result<std::string>> rotate(Keep keep);

 private:
  struct Former {
    std::string key_id;
    RsaPublicKey key;
    std::int64_t ends_at;  ///< epoch seconds
  };
  bool lives(const Former& former) const;

  RsaPrivateKey current_;
  std::string current_id_;
  RsaPublicKey current_public_;
  std::vector<Former> former_;
  const Clock& clock_;
  sqlite::Writer* writer_ = nullptr;
};

}  // namespace latchkey::cloud
