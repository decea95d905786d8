#include "service/sign_in/private_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace latchkey::service::sign_in {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }

 private:
  int number_;
};

tl::unexpected<Error> file_error(std::string_view doing, const std::filesystem::path& file) {
  return fail(ErrorKind::storage, "FileError",
              fmt::format("cannot {} {}: {}", doing, file.string(), std::strerror(errno)));
}

bool write_all(int descriptor, std::string_view content) {
  while (!content.empty()) {
    const auto written = ::write(descriptor, content.data(), content.size());
    if (written < 0) return false;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

Result<> write_private_file(const std::filesystem::path& file, std::string_view content) {
  const auto folder = file.parent_path();
  if (!folder.empty() && ::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return file_error("make the folder", folder);
  }
  auto temporary = file;
  temporary += fmt::format(".{}.new", ::getpid());
  const Descriptor out(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (out.get() < 0) return file_error("make", temporary);
  if (!write_all(out.get(), content) || ::fsync(out.get()) != 0 ||
      ::rename(temporary.c_str(), file.c_str()) != 0) {
    const auto problem = file_error("write", file);
    ::unlink(temporary.c_str());
    return problem;
  }
  return {};
}

Result<std::optional<std::string>> read_private_file(const std::filesystem::path& file) {
  const Descriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (in.get() < 0 && errno == ENOENT) return std::nullopt;
  struct stat status{};
  if (in.get() < 0 || ::fstat(in.get(), &status) != 0) return file_error("read", file);
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return fail(ErrorKind::storage, "FileNotPrivate",
                fmt::format("{0} is open to others: chmod 600 {0}", file.string()));
  }
  std::string content;
  std::array<char, 4096> buffer{};
  for (;;) {
    const auto count = ::read(in.get(), buffer.data(), buffer.size());
    if (count < 0) return file_error("read", file);
    if (count == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace latchkey::service::sign_in
