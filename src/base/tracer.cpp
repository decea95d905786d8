#include "base/tracer.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "base/encoding.hpp"

namespace latchkey {
namespace {

/// TraceIdRatioBased: the same trace is sampled by everybody who asks for the same ratio, or for a
/// larger one. The last seven bytes are those that "Trace Context" level 2 wants random.
bool is_sampled(const Trace& trace, double ratio) {
  std::uint64_t value = 0;
  for (std::size_t i = 9; i < trace.trace_id.size(); ++i) value = value << 8 | trace.trace_id[i];
  return static_cast<double>(value) < ratio * static_cast<double>(std::uint64_t{1} << 56);
}

}  // namespace

Tracer::Tracer(TracerOptions options, Clock& clock, Random& random)
    : options_(options), clock_(clock), ids_(random) {}

void Tracer::Ids::fill(std::span<std::uint8_t> bytes) {
  if (pool_.size() - used_ < bytes.size()) {
    random_.fill(pool_);
    used_ = 0;
  }
  std::memcpy(bytes.data(), pool_.data() + used_, bytes.size());
  used_ += bytes.size();
}

Span Tracer::begin_request(std::string_view traceparent) {
  const auto parent = parse_traceparent(traceparent);
  if (!parent) return new_trace(Span::Kind::server);
  Span span{
      .trace = child_of(*parent, ids_), .parent_id = parent->span_id, .kind = Span::Kind::server};
  if (options_.collects && !options_.parent_decides) {
    span.trace.sampled = is_sampled(span.trace, options_.ratio);
  }
  open(span);
  return span;
}

Span Tracer::begin(Span::Kind kind) {
  return new_trace(kind);
}

Span Tracer::new_trace(Span::Kind kind) {
  Span span{.trace = make_trace(ids_, false), .kind = kind};
  span.trace.sampled = options_.collects && is_sampled(span.trace, options_.ratio);
  open(span);
  return span;
}

Span Tracer::begin_child(const Trace& parent, Span::Kind kind) {
  // Who records nothing passes on what it was given: nobody could find a span of its own.
  if (!parent || !options_.collects || !parent.sampled) return Span{.trace = parent};
  Span span{.trace = child_of(parent, ids_), .parent_id = parent.span_id, .kind = kind};
  open(span);
  return span;
}

void Tracer::open(Span& span) const {
  if (options_.collects && span.trace.sampled) span.begun = clock_.now();
}

void Tracer::end(Span span) {
  if (!span.recorded()) return;
  if (spans_.size() >= kSpansMax) {
    ++dropped_;
    return;
  }
  span.ended = clock_.now();
  spans_.push_back(std::move(span));
}

std::vector<Span> Tracer::take(std::size_t count) {
  const auto end = spans_.begin() + static_cast<std::ptrdiff_t>(std::min(count, spans_.size()));
  std::vector<Span> taken(std::make_move_iterator(spans_.begin()), std::make_move_iterator(end));
  spans_.erase(spans_.begin(), end);
  return taken;
}

std::string trace_id_text(const Trace& trace) {
  return trace ? to_hex(trace.trace_id) : std::string();
}

}  // namespace latchkey
