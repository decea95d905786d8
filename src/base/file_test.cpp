#include "base/file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/random.hpp"

namespace latchkey {
namespace {

class FileTest : public testing::Test {
 protected:
  FileTest() { std::filesystem::create_directory(folder_); }
  ~FileTest() override { std::filesystem::remove_all(folder_); }

  std::size_t files() const {
    const std::filesystem::directory_iterator all(folder_);
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("latchkey-" + SystemRandom().hex(8));
  const std::filesystem::path file_ = folder_ / "file";
};

TEST_F(FileTest, IsReplacedWhollyWithItsMode) {
  for (const auto durable : {Durable::yes, Durable::no}) {
    ASSERT_TRUE(write_file(file_, "a longer first text", 0644, durable));
    ASSERT_TRUE(write_file(file_, "second", 0600, durable));
    const auto content = read_file_if_any(file_);
    ASSERT_TRUE(content && *content);
    EXPECT_EQ((*content)->text, "second");
    EXPECT_EQ((*content)->mode, 0600U);
    EXPECT_FALSE((*content)->open_to_others());
    EXPECT_EQ(files(), 1U) << "something was left beside it";
  }
}

TEST_F(FileTest, ModeDoesNotDependOnTheUmask) {
  const auto before = ::umask(0077);
  EXPECT_TRUE(write_file(file_, "for all", 0644));
  ::umask(before);
  const auto content = read_file_if_any(file_);
  ASSERT_TRUE(content && *content);
  EXPECT_EQ((*content)->mode, 0644U);
  EXPECT_TRUE((*content)->open_to_others());
}

TEST_F(FileTest, OneThatIsNotThereIsNothingOrAnError) {
  const auto content = read_file_if_any(file_);
  ASSERT_TRUE(content);
  EXPECT_FALSE(*content);
  const auto text = read_file(file_);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().kind, ErrorKind::storage);
  EXPECT_NE(text.error().message.find(file_.string()), std::string::npos);
}

TEST_F(FileTest, AFailedWriteLeavesTheOldOne) {
  ASSERT_TRUE(write_file(file_, "old", 0600));
  std::filesystem::create_directory(folder_ / "taken");
  std::ofstream(folder_ / "taken" / "child") << "not empty";
  EXPECT_FALSE(write_file(folder_ / "taken", "new", 0600));
  EXPECT_FALSE(write_file(folder_ / "nowhere" / "file", "new", 0600));
  EXPECT_EQ(read_file(file_).value_or(""), "old");
  EXPECT_EQ(files(), 2U) << "something was left beside it";
}

TEST_F(FileTest, WhatIsTooLongIsRefused) {
  std::ofstream(file_) << std::string(1024 * 1024 + 1, 'x');
  const auto text = read_file(file_);
  ASSERT_FALSE(text);
  EXPECT_NE(text.error().message.find("large"), std::string::npos) << text.error().message;
}

}  // namespace
}  // namespace latchkey
