#include "codes/counting_audit.hpp"

namespace latchkey::codes {

CountingAudit::CountingAudit(Audit& audit, Metrics& metrics) : audit_(audit) {
  for (std::size_t i = 0; i < kKinds; ++i) {
    events_[i] = &metrics.counter("latchkey_audit_events_total",
                                  "What the audit has written down, by the kind of event.",
                                  {{"event", to_string(static_cast<AuditEventKind>(i))}});
  }
}

void CountingAudit::record(const AuditEvent& event) {
  events_[static_cast<std::size_t>(event.kind)]->add();
  audit_.record(event);
}

}  // namespace latchkey::codes
