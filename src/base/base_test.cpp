#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>

#include "base/rsa.hpp"
#include "base/sqlite_writer.hpp"
#include "base/testing/manual_clock.hpp"
#include "base/time_text.hpp"

namespace latchkey {
TEST(Writer, AnswersOnTheCallersExecutorWhenDurable) {
  IoContext context;
  auto db = sqlite::Database::open("");
  ASSERT_TRUE(db->execute("CREATE TABLE t(x)"));
  sqlite::Writer writer(std::move(*db));
  run_to_end(context, [](sqlite::Writer& w) -> Task<> {
    auto r = co_await w.run([](sqlite::Database& d) -> Result<std::int64_t> {
      (void)d.cached("INSERT INTO t VALUES(5)").run().has_value();
      auto& s = d.cached("SELECT x FROM t");
      (void)s.step().has_value();
      return s.integer(0);
    });
    EXPECT_EQ(*r, 5);
  }(writer));
}
TEST(Rsa, SignsAndVerifies) {
  auto key = RsaPrivateKey::generate();
  auto again = RsaPrivateKey::from_pem(key.to_pem().reveal());
  auto pub = RsaPublicKey::from_numbers(key.public_key().modulus(), key.public_key().exponent());
  auto sig = again->sign("hello");
  EXPECT_TRUE(pub->verify("hello", sig));
  EXPECT_FALSE(pub->verify("hellp", sig));
}
TEST(Time, Forms) {
  auto t = from_python_utc("2020-04-15 16:54:48.816549");
  EXPECT_EQ(to_rfc1123(*t), "Wed, 15 Apr 2020 16:54:48 GMT");
  EXPECT_EQ(to_iso8601(*t), "2020-04-15T16:54:48.8165490Z");
}
TEST(ManualClock, WakesSleepers) {
  IoContext context;
  testing::ManualClock clock;
  bool woke = false;
  TaskGroup group(context.get_executor());
  group.spawn("sleeper", [](testing::ManualClock& c, bool& w) -> Task<> {
    co_await c.sleep_for(std::chrono::minutes{10});
    w = true;
  }(clock, woke));
  context.poll();
  EXPECT_EQ(clock.sleepers(), 1U);
  clock.advance(std::chrono::minutes{10});
  context.restart();
  context.poll();
  EXPECT_TRUE(woke);
}
}  // namespace latchkey
