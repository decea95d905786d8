#include "codes/condition.hpp"

#include "base/log.hpp"

namespace latchkey::codes {

void Condition::works() {
  if (failing_) log::info("watcher_recovered", {{"step", step_}, {"queue", queue_}});
  failing_ = false;
}

void Condition::fails(const Error& error) {
  if (!failing_) {
    log::warning("watcher_failing", {{"step", step_},
                                     {"queue", queue_},
                                     {"kind", to_string(error.kind)},
                                     {"code", error.code},
                                     {"problem", error.message}});
  }
  failing_ = true;
}

}  // namespace latchkey::codes
