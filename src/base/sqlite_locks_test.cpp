#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/random.hpp"
#include "base/sqlite.hpp"

namespace latchkey::sqlite {
namespace {

/// Whether another process finds a lock on the file. SQLite's lie at its "pending byte".
bool is_locked(const std::filesystem::path& file) {
  const pid_t child = ::fork();
  if (child == 0) {
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
    struct flock lock{};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = 0x40000000;
    lock.l_len = 512;
    const bool asked = descriptor >= 0 && ::fcntl(descriptor, F_GETLK, &lock) == 0;
    ::_exit(asked && lock.l_type != F_UNLCK ? 0 : 1);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(SqliteLocks, ASecondConnectionDoesNotEndThoseOfTheFirst) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("latchkey-" + SystemRandom().hex(8));
  std::filesystem::create_directory(folder);
  const auto file = folder / "test.db";
  {
    auto first = Database::open(file);
    ASSERT_TRUE(first);
    ASSERT_TRUE(first->execute("CREATE TABLE t(x)"));
    ASSERT_TRUE(is_locked(file)) << "a connection in WAL mode keeps a shared lock";
    auto second = Database::open(file);
    ASSERT_TRUE(second);
    EXPECT_TRUE(is_locked(file)) << "another process would take the log for abandoned";
  }
  EXPECT_FALSE(is_locked(file));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace latchkey::sqlite
