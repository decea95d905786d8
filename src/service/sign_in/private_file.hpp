#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

/// Files that only their owner may read: users, and codes on the local demo's "phone".
namespace latchkey::service::sign_in {

/// Replaces the file in one step (mode 0600), so that a reader sees the old or the new one; makes
/// its folder (mode 0700) when there is none. Error: storage, naming the file.
Result<> write_private_file(const std::filesystem::path& file, std::string_view content);

/// Nullopt when there is no such file. Error: storage when it cannot be read, and when group or
/// others may read or write it.
Result<std::optional<std::string>> read_private_file(const std::filesystem::path& file);

}  // namespace latchkey::service::sign_in
