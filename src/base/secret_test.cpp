#include "base/secret.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <ostream>
#include <type_traits>

#include "base/log.hpp"

namespace latchkey {
namespace {

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) { out << value; };

TEST(Secret, CannotBeFormattedStreamedOrLogged) {
  static_assert(!fmt::is_formattable<Secret>::value);
  static_assert(!Streamable<Secret>);
  static_assert(!std::is_convertible_v<Secret, std::string_view>);
  static_assert(!std::is_constructible_v<log::Field, std::string_view, Secret>);
  SUCCEED();
}

TEST(Secret, ComparesByContent) {
  const Secret key("ojE-161-pTv");
  EXPECT_TRUE(key.equals("ojE-161-pTv"));
  EXPECT_FALSE(key.equals("ojE-161-pTw"));
  EXPECT_FALSE(key.equals("ojE-161-pT"));
  EXPECT_TRUE(Secret().empty());
}

TEST(Secret, MovingLeavesNothingBehind) {
  Secret from(std::string(100, 'k'));
  const Secret to(std::move(from));
  EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): that is what is tested.
  EXPECT_EQ(to.reveal().size(), 100U);
}

}  // namespace
}  // namespace latchkey
