#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/trace.hpp"

/// What is told of traced work: spans, kept until somebody takes them to a collector.
/// Source: OpenTelemetry specification, trace API and SDK (sampling).
namespace latchkey {

/// One piece of work of a trace and how long it took.
struct Span {
  enum class Kind : std::uint8_t { internal = 1, server = 2, client = 3, consumer = 5 };
  using Value = std::variant<std::string, std::int64_t>;

  Trace trace{};                            ///< its own id is `trace.span_id`
  std::array<std::uint8_t, 8> parent_id{};  ///< zeros for the first of its trace
  Kind kind = Kind::internal;
  UtcTime begun{};
  UtcTime ended{};
  std::string name{};
  std::vector<std::pair<std::string_view, Value>> attributes{};  ///< names are literals
  bool failed = false;

  /// Whether anybody will see what is written into it.
  bool recorded() const { return begun != UtcTime{}; }
  /// `name` is a literal.
  void set(std::string_view attribute, Value value) {
    if (recorded()) attributes.emplace_back(attribute, std::move(value));
  }
};

struct TracerOptions {
  bool collects = false;       ///< there is a collector; else no span is recorded
  bool parent_decides = true;  ///< who calls us says whether its trace is sampled
  double ratio = 1;            ///< of the other traces: how many are sampled, 0 to 1
};

/// Makes traces and spans. Never blocks and never fails: what has no place is counted and dropped.
/// Where nothing is collected, traces are made and passed along all the same, for logs and for the
/// spans of others. One executor.
class Tracer {
 public:
  /// Spans that wait for the collector. With names and attributes some 400 bytes each.
  static constexpr std::size_t kSpansMax = 8192;

  Tracer(TracerOptions options, Clock& clock, Random& random);

  /// The trace of a request with this traceparent header: a child of it, or a new trace when the
  /// header is not valid ("" is not).
  Span begin_request(std::string_view traceparent);
  /// A new trace, for work that nobody asked for by a call.
  Span begin(Span::Kind kind);
  /// Work for `parent`. Without a parent, without trace: nothing is recorded.
  Span begin_child(const Trace& parent, Span::Kind kind);
  /// Keeps the span for the collector if it is recorded. Sets its end.
  void end(Span span);

  bool collects() const { return options_.collects; }
  std::size_t waiting() const { return spans_.size(); }
  /// The oldest spans, at most `count`.
  std::vector<Span> take(std::size_t count);
  std::uint64_t dropped() const { return dropped_; }

 private:
  /// Many ids from one call of the generator, which costs more than the ids do.
  class Ids final : public Random {
   public:
    explicit Ids(Random& random) : random_(random) {}
    void fill(std::span<std::uint8_t> bytes) override;

   private:
    Random& random_;
    std::array<std::uint8_t, 1024> pool_{};
    std::size_t used_ = sizeof(pool_);
  };
  Span new_trace(Span::Kind kind);
  void open(Span& span) const;

  const TracerOptions options_;
  Clock& clock_;
  Ids ids_;
  std::deque<Span> spans_;
  std::uint64_t dropped_ = 0;
};

/// The trace's id in 32 hex digits, for logs; empty for none.
std::string trace_id_text(const Trace& trace);

}  // namespace latchkey
