#pragma once

#include <string>

#include "base/result.hpp"

namespace latchkey::codes {

/// Whether a step of the watcher works now. Says so in the log when that changes, not every time.
class Condition {
 public:
  /// `step`: "get_messages"; `queue`: the queue's name.
  Condition(std::string step, std::string queue)
      : step_(std::move(step)), queue_(std::move(queue)) {}
  void works();
  void fails(const Error& error);
  bool failing() const { return failing_; }

 private:
  std::string step_;
  std::string queue_;
  bool failing_ = false;
};

}  // namespace latchkey::codes
