#include "cloud/test_controls/fault_plan.hpp"

#include <fmt/format.h>

#include <array>
#include <string>
#include <utility>

namespace latchkey::cloud {
namespace {

template <class Value>
using Names = std::pair<Value, std::string_view>;

constexpr std::array<Names<FaultTarget>, 6> kTargets{{{FaultTarget::identity, "identity"},
                                                      {FaultTarget::login, "login"},
                                                      {FaultTarget::vault, "vault"},
                                                      {FaultTarget::queue, "queue"},
                                                      {FaultTarget::functions, "functions"},
                                                      {FaultTarget::management, "management"}}};
constexpr std::array<Names<FaultKind>, 6> kKinds{{{FaultKind::throttled, "429"},
                                                  {FaultKind::broken, "500"},
                                                  {FaultKind::unavailable, "503"},
                                                  {FaultKind::slow, "slow"},
                                                  {FaultKind::drop, "drop"},
                                                  {FaultKind::ended_token, "expired-token"}}};

tl::unexpected<Error> bad_fault(std::string message) {
  return fail(ErrorKind::invalid_argument, "InvalidFault", std::move(message));
}

template <class Table, class Value>
std::string_view name_of(const Table& table, Value wanted) {
  for (const auto& [value, name] : table) {
    if (value == wanted) return name;
  }
  return {};
}

template <class Value, std::size_t kSize>
Result<Value> value_of(const std::array<Names<Value>, kSize>& table, std::string_view text,
                       std::string_view what) {
  std::string known;
  for (const auto& [value, name] : table) {
    if (name == text) return value;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  return bad_fault(fmt::format("there is no {} \"{}\"; there are: {}", what, text, known));
}

}  // namespace

std::string_view to_string(FaultTarget target) {
  return name_of(kTargets, target);
}
std::string_view to_string(FaultKind kind) {
  return name_of(kKinds, kind);
}
Result<FaultTarget> fault_target_from(std::string_view text) {
  return value_of(kTargets, text, "service");
}
Result<FaultKind> fault_kind_from(std::string_view text) {
  return value_of(kKinds, text, "fault");
}

Result<> FaultPlan::set(Fault fault) {
  if (!(fault.rate > 0 && fault.rate <= 1)) {
    return bad_fault("a rate is more than 0 and at most 1, such as 0.5");
  }
  if (fault.delay.count() < 0 || fault.delay > Fault::kDelayMax) {
    return bad_fault("a delay is at most 30s");
  }
  if (fault.retry_after.count() < 0 || fault.retry_after > Fault::kRetryAfterMax) {
    return bad_fault("Retry-After is 0 to 3600 seconds");
  }
  if (fault.kind == FaultKind::ended_token && fault.target == FaultTarget::functions) {
    return bad_fault("functions take keys, not tokens");
  }
  std::erase_if(faults_, [&](const Fault& other) {
    return other.target == fault.target && other.kind == fault.kind;
  });
  faults_.push_back(fault);
  return {};
}

void FaultPlan::clear(std::optional<FaultTarget> target) {
  std::erase_if(faults_, [&](const Fault& fault) { return !target || fault.target == *target; });
}

FaultPlan::Suffered FaultPlan::draw(FaultTarget target) {
  Suffered suffered;
  for (Fault& fault : faults_) {
    const bool is_slow = fault.kind == FaultKind::slow;
    if (fault.target != target || (!is_slow && suffered.fault) || !meets(fault)) continue;
    if (is_slow) {
      suffered.delay = fault.delay;
    } else {
      suffered.fault = fault;
    }
  }
  return suffered;
}

bool FaultPlan::meets(Fault& fault) {
  if (fault.left == 0U) return false;
  if (fault.rate < 1 && random_.unit() >= fault.rate) return false;
  if (fault.left) --*fault.left;
  ++fault.hits;
  return true;
}

}  // namespace latchkey::cloud
