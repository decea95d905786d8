#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Numbers for Prometheus: counters, histograms and gauges, shown as text.
/// Source: "Exposition formats", text-based format 0.0.4 (prometheus.io/docs/instrumenting).
///
/// No globals: whoever is measured gets a `Metrics` or a part of it. Counting costs one atomic add
/// and may be done on any thread; making a series takes a lock, so it is done once, beforehand.
namespace latchkey {

/// Names and values, as {{"operation", "put"}}. Few values per name: each combination is a series.
using MetricLabels = std::vector<std::pair<std::string, std::string>>;

class Counter {
 public:
  void add(std::uint64_t count = 1) { value_.fetch_add(count, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// How often a value was at most each of some bounds.
class Histogram {
 public:
  /// `bounds` ascend; what is beyond the last is counted as well.
  explicit Histogram(std::vector<double> bounds);
  void observe(double value);

 private:
  friend class Metrics;
  const std::vector<double> bounds_;
  std::vector<std::atomic<std::uint64_t>> buckets_;  ///< one more than bounds
  std::atomic<double> sum_{0};
};

/// 100 us to 10 s, for latencies in seconds.
std::vector<double> latency_bounds();
/// 1, 2, 4 ... 1024, for sizes of batches.
std::vector<double> batch_bounds();

class Metrics {
 public:
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

  /// The series of that name and those labels, made when it is not there. It lives as long as this.
  /// `help` of the first call counts. A name is of one type and begins with what it belongs to.
  Counter& counter(const std::string& name, std::string_view help, const MetricLabels& labels = {});
  Histogram& histogram(const std::string& name, std::string_view help,
                       const std::vector<double>& bounds, const MetricLabels& labels = {});
  /// Values that are asked for when somebody looks, on the thread that calls `render`. What `read`
  /// refers to must live as long as this.
  struct Sample {
    MetricLabels labels;
    double value;
  };
  /// Several parts may give samples of one name, each with labels of its own.
  void gauge(const std::string& name, std::string_view help,
             std::function<std::vector<Sample>()> read);
  /// The same for counts that somebody else keeps: they only grow.
  void counters(const std::string& name, std::string_view help,
                std::function<std::vector<Sample>()> read);

  /// All of it, as the body of GET /metrics; its type is kContentType.
  std::string render() const;

 private:
  struct Family {
    std::string help;
    std::string_view type;
    std::map<std::string, std::unique_ptr<Counter>> counters{};  ///< by the labels' text
    std::map<std::string, std::unique_ptr<Histogram>> histograms{};
    std::vector<std::function<std::vector<Sample>()>> reads{};
  };
  Family& family(const std::string& name, std::string_view help, std::string_view type);

  mutable std::mutex mutex_;
  std::map<std::string, Family> families_;
};

}  // namespace latchkey
