#pragma once

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/task.hpp"

namespace latchkey::app {

/// The world that every part runs in.
struct World {
  Executor executor;
  Clock& clock;
  Random& random;
};

}  // namespace latchkey::app
