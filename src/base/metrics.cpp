#include "base/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/assert.hpp"

namespace latchkey {
namespace {

std::string escaped(std::string_view text, bool quotes) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\\' || (c == '"' && quotes)) {
      out.append(1, '\\').append(1, c);
    } else {
      out += c;
    }
  }
  return out;
}

/// a="b",c="d"
std::string text_of(const MetricLabels& labels) {
  std::string text;
  for (const auto& [name, value] : labels) {
    if (!text.empty()) text += ',';
    fmt::format_to(std::back_inserter(text), "{}=\"{}\"", name, escaped(value, true));
  }
  return text;
}

template <class Number>
void append_line(std::string& out, std::string_view name, std::string_view labels, Number value) {
  out += name;
  if (!labels.empty()) out.append("{").append(labels).append("}");
  fmt::format_to(std::back_inserter(out), " {}\n", value);
}

}  // namespace

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)), buckets_(bounds_.size() + 1) {
  LK_ASSERT(std::is_sorted(bounds_.begin(), bounds_.end()));
}

void Histogram::observe(double value) {
  const auto bound = std::lower_bound(bounds_.begin(), bounds_.end(), value);
  const auto at = static_cast<std::size_t>(bound - bounds_.begin());
  buckets_[at].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

std::vector<double> latency_bounds() {
  return {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
          0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};
}

std::vector<double> batch_bounds() {
  return {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};
}

Metrics::Family& Metrics::family(const std::string& name, std::string_view help,
                                 std::string_view type) {
  const auto [place, is_new] =
      families_.try_emplace(name, Family{.help = std::string(help), .type = type});
  LK_ASSERT(place->second.type == type);
  return place->second;
}

Counter& Metrics::counter(const std::string& name, std::string_view help,
                          const MetricLabels& labels) {
  const std::lock_guard lock(mutex_);
  auto& series = family(name, help, "counter").counters[text_of(labels)];
  if (!series) series = std::make_unique<Counter>();
  return *series;
}

Histogram& Metrics::histogram(const std::string& name, std::string_view help,
                              const std::vector<double>& bounds, const MetricLabels& labels) {
  const std::lock_guard lock(mutex_);
  auto& series = family(name, help, "histogram").histograms[text_of(labels)];
  if (!series) series = std::make_unique<Histogram>(bounds);
  return *series;
}

void Metrics::gauge(const std::string& name, std::string_view help,
                    std::function<std::vector<Sample>()> read) {
  const std::lock_guard lock(mutex_);
  family(name, help, "gauge").reads.push_back(std::move(read));
}

void Metrics::counters(const std::string& name, std::string_view help,
                       std::function<std::vector<Sample>()> read) {
  const std::lock_guard lock(mutex_);
  family(name, help, "counter").reads.push_back(std::move(read));
}

std::string Metrics::render() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [name, family] : families_) {
    fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name,
                   escaped(family.help, false), name, family.type);
    for (const auto& [labels, counter] : family.counters) {
      append_line(out, name, labels, counter->value());
    }
    for (const auto& [labels, histogram] : family.histograms) {
      const std::string comma = labels.empty() ? "" : ",";
      std::uint64_t count = 0;
      for (std::size_t i = 0; i <= histogram->bounds_.size(); ++i) {
        count += histogram->buckets_[i].load(std::memory_order_relaxed);
        const std::string bound = i < histogram->bounds_.size()
                                      ? fmt::format("{}", histogram->bounds_[i])
                                      : std::string("+Inf");
        append_line(out, name + "_bucket", labels + comma + "le=\"" + bound + "\"", count);
      }
      append_line(out, name + "_sum", labels, histogram->sum_.load(std::memory_order_relaxed));
      append_line(out, name + "_count", labels, count);
    }
    for (const auto& read : family.reads) {
      const std::vector<Sample> samples = read();
      for (const auto& sample : samples)
        append_line(out, name, text_of(sample.labels), sample.value);
    }
  }
  return out;
}

}  // namespace latchkey
