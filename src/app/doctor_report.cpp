#include "app/doctor_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

namespace latchkey::app {
namespace {

namespace json = boost::json;

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok:
      return "ok";
    case Verdict::warning:
      return "warning";
    case Verdict::failed:
      return "FAILED";
    case Verdict::skipped:
      return "skipped";
  }
  return {};
}

/// Details of several lines stand below each other.
std::string indented(std::string_view text, std::size_t by) {
  std::string out;
  for (const char c : text) {
    out.push_back(c);
    if (c == '\n') out.append(by, ' ');
  }
  return out;
}

}  // namespace

bool is_well(const std::vector<Finding>& findings) {
  return std::ranges::none_of(
      findings, [](const Finding& finding) { return finding.verdict == Verdict::failed; });
}

std::string render_table(const std::vector<Finding>& findings) {
  std::size_t width = 0;
  for (const Finding& finding : findings) width = std::max(width, finding.check.size());
  const std::size_t before_detail = 9 + width + 2;
  std::string out;
  for (const Finding& finding : findings) {
    out += fmt::format("{:<9}{:<{}}  {}\n", to_string(finding.verdict), finding.check, width,
                       indented(finding.detail, before_detail));
    if (!finding.remedy.empty()) {
      out += fmt::format("{:<9}  mend it: {}\n", "", indented(finding.remedy, 20));
    }
  }
  const auto failed = std::ranges::count(findings, Verdict::failed, &Finding::verdict);
  if (failed == 0) return out + "\nAll is well.\n";
  return out + fmt::format("\n{} of {} checks failed.\n", failed, findings.size());
}

std::string render_json(const std::vector<Finding>& findings) {
  json::array checks;
  for (const Finding& finding : findings) {
    std::string verdict(to_string(finding.verdict));
    if (finding.verdict == Verdict::failed) verdict = "failed";
    checks.push_back(json::object{{"check", finding.check},
                                  {"verdict", verdict},
                                  {"detail", finding.detail},
                                  {"remedy", finding.remedy}});
  }
  const json::object document{{"well", is_well(findings)}, {"checks", std::move(checks)}};
  return json::serialize(document);
}

}  // namespace latchkey::app
