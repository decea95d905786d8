#include <fmt/format.h>

#include "app/command_world.hpp"
#include "app/commands.hpp"
#include "codes/audit_log_verifier.hpp"

/// `latchkey audit verify`: whether the record of what happened to codes is whole.
namespace latchkey::app {
namespace {

Result<std::vector<codes::AuditHead>> parse_heads(const std::vector<std::string>& texts) {
  std::vector<codes::AuditHead> heads;
  for (const auto& text : texts) {
    auto head = codes::parse_audit_head(text);
    if (!head) return fail(head.error());
    heads.push_back(std::move(*head));
  }
  return heads;
}

void print_report(const codes::AuditReport& report) {
  fmt::print("{} lines in {} files\n", report.lines, report.files.size());
  for (const auto& [event, count] : report.events) fmt::print("  {:<20} {}\n", event, count);
  for (const auto& head : report.heads) fmt::print("head {}\n", codes::to_string(head));
  if (report.torn_bytes > 0) {
    fmt::print(
        "{} bytes behind the last whole line: a process was killed while it wrote, or "
        "writes now\n",
        report.torn_bytes);
  }
  for (const auto& problem : report.problems) {
    fmt::print("BROKEN {}:{}: {}\n", problem.file, problem.line, problem.what);
  }
  fmt::print("{}\n", report.good() ? "whole" : "NOT whole");
}

}  // namespace

int run_audit_verify(const CommonOptions& common, const AuditOptions& options) {
  auto heads = parse_heads(options.heads);
  if (!heads) return report(heads.error());
  const std::filesystem::path folder =
      options.folder.empty() ? common.data / "audit" : std::filesystem::path(options.folder);
  auto found = codes::verify_audit(folder, std::move(*heads));
  if (!found) return report(found.error());
  print_report(*found);
  return found->good() ? 0 : 1;
}

}  // namespace latchkey::app
