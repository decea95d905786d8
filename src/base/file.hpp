#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"

/// Files that are read and replaced as a whole: keys, settings, notes to other processes.
namespace latchkey {

/// Closes itself.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Descriptor();
  bool is_open() const { return value_ >= 0; }
  int get() const { return value_; }
  int release() { return std::exchange(value_, -1); }

 private:
  int value_;
};

enum class Durable { yes, no };

/// Replaces `file` by `content` in one step: a reader sees the old or the new one and nothing
/// between, and so does the next start after a crash when it is durable (two syncs). `mode` as in
/// chmod. Error: storage, code FileError, naming the file.
Result<> write_file(const std::filesystem::path& file, std::string_view content, unsigned mode,
                    Durable durable = Durable::yes);

struct FileContent {
  std::string text;
  unsigned mode = 0;  ///< the permission bits
  bool open_to_others() const { return (mode & 077U) != 0; }
};

/// Nullopt when there is no such file. Error: storage, code FileError, naming the file: it cannot
/// be read, or holds more than 1 MiB.
Result<std::optional<FileContent>> read_file_if_any(const std::filesystem::path& file);
/// As above, but a missing file is an error as well.
Result<std::string> read_file(const std::filesystem::path& file);

/// With what the system's last failure was (errno).
tl::unexpected<Error> file_error(std::string_view doing, const std::filesystem::path& file);

}  // namespace latchkey
