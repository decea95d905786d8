#pragma once

#include <array>

#include "base/metrics.hpp"
#include "codes/audit.hpp"

namespace latchkey::codes {

/// Stands before an audit and counts its events by kind: sign-ins, refused callers, revocations,
/// expiries.
class CountingAudit final : public Audit {
 public:
  CountingAudit(Audit& audit, Metrics& metrics);
  void record(const AuditEvent& event) override;

 private:
  static constexpr std::size_t kKinds = static_cast<std::size_t>(kLastAuditEventKind) + 1;
  Audit& audit_;
  std::array<Counter*, kKinds> events_{};
};

}  // namespace latchkey::codes
