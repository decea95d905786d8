#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/password_hash.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/task.hpp"

/// The first factor for demonstrations and small installations: a JSON file of names and password
/// hashes, {"alice": "$scrypt$..."}, for its owner alone (mode 0600).
namespace latchkey::service::sign_in {

/// 1 to 64 of A-Z a-z 0-9 . _ @ + -
bool is_user_name(std::string_view name);

inline constexpr std::size_t kPasswordBytesMin = 8;
inline constexpr std::size_t kPasswordBytesMax = 256;

/// Adds the user, or gives the one there is a new password. Errors: invalid_argument (name or
/// password are not possible), storage. Not while somebody else changes the file.
Result<> add_user(const std::filesystem::path& file, std::string_view name, const Secret& password,
                  Random& random, ScryptCost cost = {});
/// Error: not_found, storage.
Result<> remove_user(const std::filesystem::path& file, std::string_view name);
Result<std::vector<std::string>> user_names(const std::filesystem::path& file);

class UserStore {
 public:
  explicit UserStore(std::filesystem::path file) : file_(std::move(file)) {}

  /// Is this the password of that user? An unknown user takes as long as a known one. Reads the
  /// file again when it has changed. Errors: storage, throttled. Call on one executor only.
  Task<Result<bool>> check(std::string name, Secret password);

 private:
  Result<> read_if_changed();

  const std::filesystem::path file_;
  std::string version_;  ///< of the file that was read last
  std::map<std::string, std::string, std::less<>> hashes_;
  PasswordChecker checker_;
};

}  // namespace latchkey::service::sign_in
