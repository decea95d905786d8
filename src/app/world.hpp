#pragma once

#include "base/clock.hpp"
#include "base/metrics.hpp"
#include "base/random.hpp"
#include "base/task.hpp"
#include "base/tracer.hpp"

namespace latchkey::app {

/// The world that every part runs in.
struct World {
  Executor executor;
  Clock& clock;
  Random& random;
  Metrics& metrics;
  Tracer& tracer;
};

}  // namespace latchkey::app
