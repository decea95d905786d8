#include "service/sign_in/user_store.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/json.hpp>

#include "service/sign_in/form.hpp"
#include "service/sign_in/private_file.hpp"

namespace latchkey::service::sign_in {
namespace {

namespace json = boost::json;
using Hashes = std::map<std::string, std::string, std::less<>>;

/// What an unknown user's password is compared with: hash_password of nobody's password.
constexpr std::string_view kNobody =
    "$scrypt$ln=15,r=8,p=3$bm9ib2R5J3Mgc2FsdCEhIQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

tl::unexpected<Error> bad_file(const std::filesystem::path& file, std::string_view problem) {
  return fail(ErrorKind::storage, "UsersFileError",
              fmt::format("{} {}; it must be {{\"name\": \"$scrypt$...\"}}, as `latchkey user add` "
                          "writes it",
                          file.string(), problem));
}

Result<Hashes> read_users(const std::filesystem::path& file) {
  const auto content = read_private_file(file);
  if (!content) return fail(content.error());
  Hashes hashes;
  if (!*content) return hashes;
  boost::system::error_code error;
  const json::value users = json::parse(**content, error);
  if (error || !users.is_object()) return bad_file(file, "is no JSON object");
  for (const auto& [name, hash] : users.as_object()) {
    if (!is_user_name(name)) return bad_file(file, "has a name that is not possible");
    if (!hash.is_string() || !is_password_hash(hash.as_string())) {
      return bad_file(file, fmt::format("has no password hash for {}", std::string_view(name)));
    }
    hashes.emplace(name, hash.as_string());
  }
  return hashes;
}

Result<> write_users(const std::filesystem::path& file, const Hashes& hashes) {
  json::object users;
  for (const auto& [name, hash] : hashes) users[name] = hash;
  return write_private_file(file, json::serialize(users) + "\n");
}

/// Changes with every write: a new file is renamed into place.
std::string version_of(const std::filesystem::path& file) {
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0) return "none";
  return fmt::format("{} {} {} {} {}", status.st_ino, status.st_size, status.st_mode,
                     status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

}  // namespace

bool is_user_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._@+-").find(c) != std::string_view::npos;
  });
}

Result<> add_user(const std::filesystem::path& file, std::string_view name, const Secret& password,
                  Random& random, ScryptCost cost) {
  if (!is_user_name(name)) {
    return fail(ErrorKind::invalid_argument, "BadUserName",
                "a user's name is 1 to 64 letters, digits and . _ @ + -");
  }
  if (password.reveal().size() < kPasswordBytesMin ||
      !is_plain_text(password.reveal(), kPasswordBytesMax)) {
    return fail(ErrorKind::invalid_argument, "BadPassword",
                fmt::format("a password is {} to {} bytes of UTF-8 without control characters",
                            kPasswordBytesMin, kPasswordBytesMax));
  }
  auto users = read_users(file);
  if (!users) return fail(users.error());
  (*users)[std::string(name)] = hash_password(password, random, cost);
  return write_users(file, *users);
}

Result<> remove_user(const std::filesystem::path& file, std::string_view name) {
  auto users = read_users(file);
  if (!users) return fail(users.error());
  const auto found = users->find(name);
  if (found == users->end()) {
    return fail(ErrorKind::not_found, "NoSuchUser", fmt::format("there is no user {}", name));
  }
  users->erase(found);
  return write_users(file, *users);
}

Result<std::vector<std::string>> user_names(const std::filesystem::path& file) {
  auto users = read_users(file);
  if (!users) return fail(users.error());
  std::vector<std::string> names;
  for (const auto& [name, hash] : *users) names.push_back(name);
  return names;
}

Result<> UserStore::read_if_changed() {
  // Before the reading: a change during it is seen next time.
  auto version = version_of(file_);
  if (version == version_) return {};
  auto users = read_users(file_);
  if (!users) return fail(users.error());
  hashes_ = std::move(*users);
  version_ = std::move(version);
  return {};
}

Task<Result<bool>> UserStore::check(std::string name, Secret password) {
  if (auto read = read_if_changed(); !read) co_return fail(read.error());
  const auto user = hashes_.find(name);
  const bool known = user != hashes_.end();
  std::string hash(known ? std::string_view(user->second) : kNobody);
  auto matches = co_await checker_.check(std::move(password), std::move(hash));
  if (!matches) co_return fail(matches.error());
  co_return known && *matches;
}

}  // namespace latchkey::service::sign_in
