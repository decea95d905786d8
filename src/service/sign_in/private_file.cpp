#include "service/sign_in/private_file.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/file.hpp"

namespace latchkey::service::sign_in {

Result<> write_private_file(const std::filesystem::path& file, std::string_view content) {
  const auto folder = file.parent_path();
  if (!folder.empty() && ::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return file_error("make the folder", folder);
  }
  return write_file(file, content, 0600);
}

Result<std::optional<std::string>> read_private_file(const std::filesystem::path& file) {
  auto content = read_file_if_any(file);
  if (!content) return fail(content.error());
  if (!*content) return std::optional<std::string>{};
  if ((*content)->open_to_others()) {
    return fail(ErrorKind::storage, "FileNotPrivate",
                fmt::format("{0} is open to others: chmod 600 {0}", file.string()));
  }
  return std::optional(std::move((*content)->text));
}

}  // namespace latchkey::service::sign_in
