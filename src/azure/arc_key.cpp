#include "azure/arc_key.hpp"

#include <algorithm>
#include <filesystem>

#include "azure/small_file.hpp"
#include "base/text.hpp"

namespace latchkey::azure {
namespace {

tl::unexpected<Error> refused(const std::string& why) {
  return fail(ErrorKind::unavailable, "CredentialUnavailable",
              "Azure Arc's identity endpoint (IDENTITY_ENDPOINT) " + why);
}

/// `path` is "FOLDER/NAME.key", with nothing in between that leads elsewhere.
bool is_key_in(const std::filesystem::path& path, const std::filesystem::path& folder) {
  return path.is_absolute() && path.lexically_normal() == path && path.parent_path() == folder &&
         path.extension() == ".key" && !std::filesystem::is_symlink(path);
}

}  // namespace

Result<Secret> read_arc_key(std::string_view challenge, const std::string& folder) {
  constexpr std::string_view kScheme = "Basic realm=";
  if (!istarts_with(challenge, kScheme)) return refused("answered 401 without naming a key file");
  std::string_view path = trim(challenge.substr(kScheme.size()));
  if (path.size() >= 2 && path.front() == '"' && path.back() == '"') {
    path = path.substr(1, path.size() - 2);
  }
  if (!is_key_in(std::filesystem::path(path), std::filesystem::path(folder))) {
    return refused("named a file that is no .key file in " + folder + ", which it will not get");
  }
  auto key = read_small_file("Azure Arc's key file", std::string(path), kArcKeyBytesMax);
  if (!key) return key;
  const std::string_view text = trim(key->reveal());
  const bool fits = !text.empty() && std::all_of(text.begin(), text.end(),
                                                 [](char c) { return c > 0x20 && c < 0x7F; });
  if (!fits) return refused("named a key file that is empty or not text");
  return Secret(std::string(text));
}

}  // namespace latchkey::azure
