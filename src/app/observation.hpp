#pragma once

#include <string>
#include <vector>

#include "app/azure_access.hpp"
#include "app/world.hpp"
#include "codes/audit.hpp"
#include "codes/code_metrics.hpp"
#include "codes/counting_audit.hpp"
#include "codes/observed_table.hpp"
#include "codes/watcher.hpp"

namespace latchkey::app {

/// The neighbours of a part as its metrics and traces see them: what codes are made with uses these
/// instead of the table and the audit themselves.
struct Observation {
  /// `part`: "api" or "watcher", the label of what each has for itself: tokens and clock. All must
  /// outlive this; the World's metrics must not be rendered after it has gone.
  Observation(codes::CodeTable& inner_table, codes::Audit& inner_audit, const AzureAccess& azure,
              const std::string& part, World world);

  codes::ObservedTable table;
  codes::CountingAudit audit;
  codes::CodeMetrics codes;
};

/// Counts of what watchers do, of all together. They must outlive the last render.
void show_watchers(std::vector<const codes::Watcher*> watchers, Metrics& metrics);

}  // namespace latchkey::app
