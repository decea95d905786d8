#include "azure/small_file.hpp"

#include <filesystem>
#include <fstream>
#include <utility>

namespace latchkey::azure {

Result<Secret> read_small_file(std::string_view setting, const std::string& path,
                               std::size_t bytes_max) {
  const auto unusable = [&](const std::string& why) {
    return fail(ErrorKind::unavailable, "CredentialUnavailable",
                std::string(setting) + " (" + path + ") " + why);
  };
  std::error_code problem;
  const auto status = std::filesystem::status(path, problem);
  if (!std::filesystem::exists(status)) return unusable("is not there, or not for us to see");
  // Reading a pipe could wait for ever.
  if (!std::filesystem::is_regular_file(status)) return unusable("is no regular file");
  std::ifstream file(path, std::ios::binary);
  std::string content(bytes_max + 1, '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (!file.is_open() || file.bad()) return unusable("cannot be read");
  content.resize(static_cast<std::size_t>(file.gcount()));
  if (content.size() > bytes_max) {
    return unusable("is longer than " + std::to_string(bytes_max) + " bytes");
  }
  return Secret(std::move(content));
}

}  // namespace latchkey::azure
