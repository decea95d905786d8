#pragma once

#include <string>
#include <vector>

/// What `latchkey doctor` found, and how it is shown. Pure.
namespace latchkey::app {

enum class Verdict { ok, warning, failed, skipped };

struct Finding {
  std::string check;  ///< "secret third-party-api-key"
  Verdict verdict = Verdict::ok;
  std::string detail;    ///< what was seen; for failures the cause
  std::string remedy{};  ///< the command or setting that mends it; empty when there is none to name
};

/// Nothing failed. Warnings and what was skipped are no failures of their own.
bool is_well(const std::vector<Finding>& findings);

/// A line for each check; behind a failed one its remedy, ready to be copied.
std::string render_table(const std::vector<Finding>& findings);
/// {"well":false,"checks":[{"check","verdict","detail","remedy"}]}
std::string render_json(const std::vector<Finding>& findings);

}  // namespace latchkey::app
