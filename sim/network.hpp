#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "base/random.hpp"
#include "base/result.hpp"
#include "sim/history.hpp"
#include "sim/machine.hpp"

namespace latchkey::sim {

/// Random choices of a schedule.
struct Dice {
  Random& random;
  bool chance(double p) { return random.unit() < p; }
  std::uint64_t below(std::uint64_t bound) { return random.below(bound); }
  /// Uniform in [from, to).
  Micros between(Micros from, Micros to) {
    if (to <= from) return from;
    return from + Micros{random.below(static_cast<std::uint64_t>((to - from).count()))};
  }
};

/// How calls fare on their way: chances from 0 to 1.
struct Weather {
  double slow = 0;          ///< takes up to `slow_max` each way instead of a few milliseconds
  double request_lost = 0;  ///< never arrives; the caller gives up after its timeout
  double answer_lost = 0;   ///< takes effect, and the caller gives up after its timeout
  double refused = 0;       ///< answered "not now", without effect
  double doubled = 0;       ///< takes effect twice, at two times
  Micros slow_max{3'000'000};
};

struct NetworkCounts {
  std::uint64_t calls = 0;
  std::uint64_t lost = 0;
  std::uint64_t refused = 0;
  std::uint64_t doubled = 0;
};

/// Between the machines and what they share. A call takes effect in one instant somewhere between
/// asking and answer, or after the caller has given up, or twice, or never; whatever becomes of the
/// caller meanwhile.
class Network {
 public:
  Network(Timeline& timeline, Dice dice, History& history)
      : timeline_(timeline), dice_(dice), history_(history) {}

  Weather weather;
  bool queue_reachable = true;
  NetworkCounts counts;

  /// Errors of the network's own: timeout "NoAnswer", unavailable "NotNow".
  template <class T>
  Task<Result<T>> call(Machine& caller, Micros timeout, std::function<Result<T>()> effect) {
    auto shared = std::make_shared<std::function<Result<T>()>>(std::move(effect));
    std::function<void(Reply<Result<T>>)> ask = [this, timeout, shared](Reply<Result<T>> reply) {
      begin<T>(timeout, shared, reply);
    };
    co_return co_await caller.wait<Result<T>>(std::move(ask));
  }
  /// Adds a fault to the history.
  void fault(const char* what, int machine = -1);

 private:
  template <class T>
  void begin(Micros timeout, std::shared_ptr<std::function<Result<T>()>> effect,
             Reply<Result<T>> reply);
  /// From here on slowness is a fault: a few such calls outlast a message's visibility.
  static constexpr Micros kSlow{250'000};
  Micros way() {
    const bool slow = dice_.chance(weather.slow);
    return slow ? dice_.between(Micros{1'000}, weather.slow_max)
                : dice_.between(Micros{200}, Micros{8'000});
  }

  Timeline& timeline_;
  Dice dice_;
  History& history_;
};

template <class T>
void Network::begin(Micros timeout, std::shared_ptr<std::function<Result<T>()>> effect,
                    Reply<Result<T>> reply) {
  ++counts.calls;
  const Micros there = way();
  const Micros back = way();
  if (dice_.chance(weather.refused)) {
    fault("refused");
    ++counts.refused;
    timeline_.after(there + back, [reply] {
      reply(fail(ErrorKind::unavailable, "NotNow", "the simulated service is busy"));
    });
    return;
  }
  // `answer`: whether the caller learns of it.
  const auto arrive = [&](Micros after, bool answer) {
    timeline_.after(after, [this, effect, reply, back, answer] {
      Result<T> result = (*effect)();
      if (answer) timeline_.after(back, [reply, result] { reply(result); });
    });
  };
  const bool request_lost = dice_.chance(weather.request_lost);
  const bool answer_lost = dice_.chance(weather.answer_lost);
  if (!request_lost) arrive(there, !answer_lost);
  if (request_lost || answer_lost) {
    fault(request_lost ? "request lost" : "answer lost");
    ++counts.lost;
  }
  if (dice_.chance(weather.doubled)) {
    fault("doubled");
    ++counts.doubled;
    arrive(way(), dice_.chance(0.5));
  }
  if (there + back > kSlow) fault("slow");
  timeline_.after(timeout, [reply] {
    reply(fail(ErrorKind::timeout, "NoAnswer", "no answer came from the simulated service"));
  });
}

}  // namespace latchkey::sim
