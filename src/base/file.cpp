#include "base/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace latchkey {
namespace {

constexpr std::size_t kFileBytesMax = 1024 * 1024;

bool write_all(int descriptor, std::string_view content) {
  while (!content.empty()) {
    const auto count = ::write(descriptor, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    content.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

Result<> sync_folder_of(const std::filesystem::path& file) {
  const auto parent = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  const Descriptor folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open() || ::fsync(folder.get()) != 0) return file_error("sync", parent);
  return {};
}

}  // namespace

Descriptor::~Descriptor() {
  if (value_ >= 0) ::close(value_);
}

tl::unexpected<Error> file_error(std::string_view doing, const std::filesystem::path& file) {
  return fail(ErrorKind::storage, "FileError",
              fmt::format("cannot {} {}: {}", doing, file.string(), std::strerror(errno)));
}

Result<> write_file(const std::filesystem::path& file, std::string_view content, unsigned mode,
                    Durable durable) {
  auto temporary = file;
  temporary += fmt::format(".{}.new", ::getpid());
  (void)::unlink(temporary.c_str());  // Left by a crash.
  {
    // Nobody else can open it before its mode is the wanted one.
    const Descriptor out(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!out.is_open()) return file_error("make", temporary);
    const bool written = write_all(out.get(), content) && ::fchmod(out.get(), mode) == 0 &&
                         (durable == Durable::no || ::fsync(out.get()) == 0);
    if (!written || ::rename(temporary.c_str(), file.c_str()) != 0) {
      const auto problem = file_error("write", file);
      (void)::unlink(temporary.c_str());
      return problem;
    }
  }
  return durable == Durable::yes ? sync_folder_of(file) : Result<>{};
}

Result<std::optional<FileContent>> read_file_if_any(const std::filesystem::path& file) {
  const Descriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in.is_open() && errno == ENOENT) return std::optional<FileContent>{};
  struct stat facts{};
  if (!in.is_open() || ::fstat(in.get(), &facts) != 0) return file_error("read", file);
  FileContent content{.text = {}, .mode = facts.st_mode & 07777U};
  std::array<char, 4096> part{};
  for (;;) {
    const auto count = ::read(in.get(), part.data(), part.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return file_error("read", file);
    if (count == 0) return std::optional(std::move(content));
    content.text.append(part.data(), static_cast<std::size_t>(count));
    if (content.text.size() > kFileBytesMax) {
      errno = EFBIG;
      return file_error("read", file);
    }
  }
}

Result<std::string> read_file(const std::filesystem::path& file) {
  auto content = read_file_if_any(file);
  if (!content) return fail(content.error());
  if (*content) return std::move((*content)->text);
  errno = ENOENT;
  return file_error("read", file);
}

}  // namespace latchkey
