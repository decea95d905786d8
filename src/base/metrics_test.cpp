#include "base/metrics.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace latchkey {
namespace {

TEST(Metrics, AreShownAsPrometheusReadsThem) {
  Metrics metrics;
  metrics.counter("calls_total", "Calls.", {{"kind", "put"}}).add(3);
  metrics.counter("calls_total", "Calls.", {{"kind", "get"}}).add();
  auto& seconds = metrics.histogram("seconds", "Time.", {0.5, 1}, {{"kind", "put"}});
  for (const double value : {0.25, 0.5, 0.75, 7.0}) seconds.observe(value);
  metrics.gauge("depth", "Depth.", [] {
    return std::vector<Metrics::Sample>{{.labels = {{"queue", "a"}}, .value = 12},
                                        {.labels = {}, .value = 0.5}};
  });
  EXPECT_EQ(metrics.render(),
            "# HELP calls_total Calls.\n"
            "# TYPE calls_total counter\n"
            "calls_total{kind=\"get\"} 1\n"
            "calls_total{kind=\"put\"} 3\n"
            "# HELP depth Depth.\n"
            "# TYPE depth gauge\n"
            "depth{queue=\"a\"} 12\n"
            "depth 0.5\n"
            "# HELP seconds Time.\n"
            "# TYPE seconds histogram\n"
            "seconds_bucket{kind=\"put\",le=\"0.5\"} 2\n"
            "seconds_bucket{kind=\"put\",le=\"1\"} 3\n"
            "seconds_bucket{kind=\"put\",le=\"+Inf\"} 4\n"
            "seconds_sum{kind=\"put\"} 8.5\n"
            "seconds_count{kind=\"put\"} 4\n");
}

TEST(Metrics, TheSameNameAndLabelsAreTheSameSeries) {
  Metrics metrics;
  auto& first = metrics.counter("calls_total", "Calls.", {{"kind", "put"}});
  auto& again = metrics.counter("calls_total", "", {{"kind", "put"}});
  EXPECT_EQ(&first, &again);
  EXPECT_NE(&first, &metrics.counter("calls_total", "", {{"kind", "get"}}));
}

TEST(Metrics, SeveralPartsGiveSamplesOfOneName) {
  Metrics metrics;
  for (const char* part : {"api", "watcher"}) {
    metrics.counters("polls_total", "Polls.", [part] {
      return std::vector<Metrics::Sample>{{.labels = {{"part", part}}, .value = 3}};
    });
  }
  EXPECT_EQ(metrics.render(),
            "# HELP polls_total Polls.\n# TYPE polls_total counter\n"
            "polls_total{part=\"api\"} 3\npolls_total{part=\"watcher\"} 3\n");
}

TEST(Metrics, TextsAreEscaped) {
  Metrics metrics;
  metrics.counter("c", "a\\b\nc", {{"name", "say \"x\\y\"\n"}}).add();
  EXPECT_EQ(metrics.render(),
            "# HELP c a\\\\b\\nc\n# TYPE c counter\nc{name=\"say \\\"x\\\\y\\\"\\n\"} 1\n");
}

TEST(Metrics, CountsOfSeveralThreadsAddUp) {
  Metrics metrics;
  auto& counter = metrics.counter("c", "");
  auto& histogram = metrics.histogram("h", "", {1});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) {
        counter.add();
        histogram.observe(2);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(counter.value(), 40'000U);
  EXPECT_NE(metrics.render().find("h_sum 80000\n"), std::string::npos);
  EXPECT_NE(metrics.render().find("h_count 40000\n"), std::string::npos);
}

}  // namespace
}  // namespace latchkey
