#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "codes/audit.hpp"

namespace latchkey::codes::testing {

/// Keeps what is recorded, in order.
class AuditCapture final : public Audit {
 public:
  /// "kind id subject purpose caller reason", "-" for what is empty.
  std::vector<std::string> events;

  void record(const AuditEvent& event) override {
    std::string text = to_string(event.kind);
    for (const auto part :
         {event.code_id, event.subject, event.purpose, event.caller, event.reason}) {
      text.append(" ").append(part.empty() ? "-" : part);
    }
    events.push_back(std::move(text));
  }
  /// How many hold `words`.
  int count(std::string_view words) const {
    return static_cast<int>(std::count_if(
        events.begin(), events.end(),
        [&](const std::string& event) { return event.find(words) != std::string::npos; }));
  }
};

}  // namespace latchkey::codes::testing
