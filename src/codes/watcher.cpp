#include "codes/watcher.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "codes/run_all.hpp"
#include "codes/visit.hpp"

namespace latchkey::codes {
namespace {
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kBatch = 32;  ///< the most that Get Messages gives
constexpr milliseconds kBackOffMin{500};
constexpr milliseconds kBackOffMax{30'000};
constexpr milliseconds kRetryAfterMax{300'000};
constexpr int kDoublingsMax = 16;

constexpr seconds kSweepInterval{60};
constexpr std::size_t kSweepRows = 1000;

milliseconds scaled(milliseconds duration, double factor) {
  return milliseconds{
      static_cast<milliseconds::rep>(static_cast<double>(duration.count()) * factor)};
}

}  // namespace

struct Watcher::Impl {
  Impl(Dependencies dependencies, const WatcherOptions& options_in)
      : with(dependencies),
        options(options_in),
        visitor(dependencies, options_in),
        getting("get_messages", dependencies.queue.name()),
        clock("clock", dependencies.queue.name()),
        lanes(dependencies.executor) {}

  Task<> visit(wire::QueueMessage message);
  Task<> ask_the_time();
  Task<> watch_lane();
  Task<> help_lane();
  void bring_up_another();
  Task<Result<std::size_t>> whole_batch();
  Task<> next_batch_into(Result<std::size_t>& taken);
  Task<Result<std::size_t>> next_batch();
  Task<Result<std::size_t>> take_batch();
  Result<> check_clock();
  Task<> sweep_loop();
  Task<> sweep();
  milliseconds back_off(int failures, const Error& error);

  Dependencies with;
  const WatcherOptions options;
  Visitor visitor;
  Condition getting;
  Condition clock;
  TaskGroup lanes;  ///< and the sweep; empty unless run() runs
  int helpers = 0;  ///< lanes beside the one that stays
  bool ending = false;
};

Watcher::Watcher(Dependencies dependencies, WatcherOptions options)
    : impl_(std::make_unique<Impl>(dependencies, options)) {
  LK_ASSERT(options.lanes >= 1);
  LK_ASSERT(options.poll_min > milliseconds::zero() && options.poll_max >= options.poll_min);
}

Watcher::~Watcher() = default;

Task<> Watcher::run() {
  impl_->helpers = 0;
  impl_->ending = false;
  impl_->lanes.spawn("watcher", impl_->watch_lane());
  if (impl_->options.sweeps) impl_->lanes.spawn("watcher", impl_->sweep_loop());
  co_await join_all(impl_->lanes, {}, &impl_->ending);
}

Task<Result<std::size_t>> Watcher::run_once() {
  return impl_->take_batch();
}

Task<bool> Watcher::visit(QueueMessage message) {
  LK_ASSERT(impl_->options.host_deletes);
  co_await impl_->ask_the_time();
  if (!impl_->check_clock()) co_return false;
  message.dequeue_count = 0;
  co_return co_await impl_->visitor.visit(std::move(message));
}

Task<> Watcher::sweep() {
  return impl_->sweep_loop();
}

const WatcherCounts& Watcher::counts() const {
  return impl_->visitor.counts;
}

Task<> Watcher::Impl::visit(QueueMessage message) {
  const bool done = co_await visitor.visit(std::move(message));
  (void)done;  // What is not done with comes back by itself.
}

Task<> Watcher::Impl::watch_lane() {
  milliseconds idle = options.poll_min;
  int failures = 0;
  for (;;) {
    auto taken = co_await whole_batch();
    if (!taken) {
      const auto delay = back_off(++failures, taken.error());
      co_await with.clock.sleep_for(delay);
      continue;
    }
    failures = 0;
    if (*taken > 0) {
      idle = options.poll_min;
      continue;
    }
    const auto pause = scaled(idle, 0.5 + with.random.unit() / 2);
    co_await with.clock.sleep_for(pause);
    idle = std::min(idle * 2, options.poll_max);
  }
}

Task<> Watcher::Impl::help_lane() {
  for (;;) {
    auto taken = co_await whole_batch();
    if (!taken || *taken == 0) break;  // The lane that stays knows how to wait.
  }
  --helpers;
}

void Watcher::Impl::bring_up_another() {
  const bool running = lanes.size() > 0 && !ending;
  if (!running || helpers + 1 >= options.lanes) return;
  ++helpers;
  lanes.spawn("watcher", help_lane());
}

/// Shields a batch, from Get Messages on, from the end of its lane.
Task<Result<std::size_t>> Watcher::Impl::whole_batch() {
  Result<std::size_t> taken = 0;
  std::vector<Task<>> batch;
  batch.push_back(next_batch_into(taken));
  const Grace grace{&with.clock, options.finish_within};
  co_await run_all(with.executor, "batch", std::move(batch), grace);
  co_return taken;
}

Task<> Watcher::Impl::next_batch_into(Result<std::size_t>& taken) {
  taken = co_await next_batch();
}

Task<Result<std::size_t>> Watcher::Impl::next_batch() {
  if (visitor.table.failing()) {
    auto row = co_await with.table.find({});
    if (!row) {
      visitor.table.fails(row.error());
      co_return fail(std::move(row.error()));
    }
    visitor.table.works();
  }
  co_await ask_the_time();
  auto taken = co_await take_batch();
  co_return taken;
}

Task<Result<std::size_t>> Watcher::Impl::take_batch() {
  auto right = check_clock();
  if (!right) co_return fail(std::move(right.error()));
  azure::GetOptions how;
  how.count = static_cast<int>(kBatch);
  how.visibility_timeout = options.work_visibility;
  ++visitor.counts.polls;
  auto messages = co_await with.queue.get(how);
  if (!messages) {
    getting.fails(messages.error());
    co_return fail(std::move(messages.error()));
  }
  getting.works();
  // This very answer may have shown that our clock is wrong: then the messages come back later.
  right = check_clock();
  if (!right) co_return fail(std::move(right.error()));
  const std::size_t count = messages->size();
  if (count == kBatch) bring_up_another();
  std::vector<Task<>> visits;
  visits.reserve(count);
  for (auto& message : *messages) visits.push_back(visit(std::move(message)));
  if (count > 0) co_await run_all(with.executor, "visit", std::move(visits));
  co_return count;
}

Task<> Watcher::Impl::ask_the_time() {
  if (with.server_clock.right()) co_return;
  // Any answer, a refusal too, carries the service's time: is ours right again?
  auto asked = co_await with.queue.properties();
  (void)asked.has_value();
}

Result<> Watcher::Impl::check_clock() {
  const auto standing = with.server_clock.standing();
  if (standing.right) {
    clock.works();
    return {};
  }
  Error wrong{.kind = ErrorKind::unavailable,
              .code = "ClockWrong",
              .message = fmt::format("this machine's clock is off by {} ms, as {} has it; set it "
                                     "right (NTP)",
                                     standing.off_by.count(), standing.host),
              .retry_after = {},
              .request_id = {},
              .http_status = 0};
  clock.fails(wrong);
  return fail(std::move(wrong));
}

Task<> Watcher::Impl::sweep_loop() {
  for (;;) {
    // Jitter, so that many watchers that started together do not sweep together.
    const auto pause = scaled(kSweepInterval, 0.5 + with.random.unit());
    co_await with.clock.sleep_for(pause);
    co_await sweep();
  }
}

Task<> Watcher::Impl::sweep() {
  if (!check_clock()) co_return;
  const UtcTime expired_by = with.clock.now() - options.rules.spread() - kMessageMargin;
  std::size_t removed_rows = kSweepRows;
  while (removed_rows == kSweepRows) {
    auto removed = co_await with.table.remove_expired(expired_by, kSweepRows);
    if (!removed) {
      visitor.table.fails(removed.error());
      co_return;
    }
    for (const CodeFacts& code : *removed) visitor.record_forgotten(code);
    removed_rows = removed->size();
    visitor.counts.swept += removed_rows;
  }
}

milliseconds Watcher::Impl::back_off(int failures, const Error& error) {
  const int doublings = std::min(failures - 1, kDoublingsMax);
  const auto first = std::min(options.poll_max, kBackOffMin);
  const auto delay = std::min(first * (1 << doublings), kBackOffMax);
  const auto jittered = std::min(scaled(delay, 0.5 + with.random.unit()), kBackOffMax);
  const auto asked = std::min(error.retry_after.value_or(milliseconds::zero()), kRetryAfterMax);
  return std::max(jittered, asked);
}

}  // namespace latchkey::codes
