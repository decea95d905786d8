#include "sim/history.hpp"

#include <fmt/format.h>

#include "base/time_text.hpp"

namespace latchkey::sim {
namespace {

const char* name_of(Event::Kind kind) {
  static constexpr const char* kNames[] = {"row",     "attempt",   "issued", "verified", "revoked",
                                           "message", "malformed", "leak",   "fault",    "calm",
                                           "settled", "drained",   "swept"};
  return kNames[static_cast<std::size_t>(kind)];
}

const char* name_of(RowState state) {
  return state ? codes::to_string(*state) : "absent";
}

}  // namespace

std::string to_text(const Event& event) {
  std::string text = fmt::format(
      "{:>12.6f} {:<9}",
      static_cast<double>(event.at.time_since_epoch().count() % 1'000'000'000'000) / 1e6,
      name_of(event.kind));
  if (event.machine >= 0) text += fmt::format(" machine {}", event.machine);
  if (event.life != Life{}) {
    text += fmt::format(" code {:02x}{:02x}{:02x}", event.life[0], event.life[1], event.life[2]);
  }
  if (event.kind == Event::Kind::row) {
    text += fmt::format(" {} -> {}", name_of(event.from), name_of(event.to));
  }
  if (!event.binding.subject.empty()) text += " subject " + event.binding.subject;
  if (!event.binding.purpose.empty()) text += " purpose " + event.binding.purpose;
  if (!event.verdict.empty()) text += " " + event.verdict;
  if (!event.reason.empty()) text += " (" + event.reason + ")";
  if (!event.group.empty()) text += " key " + event.group;
  if (event.asked != UtcTime{}) {
    text += fmt::format(" asked {} us before", (event.at - event.asked).count());
  }
  if (event.expires != UtcTime{}) {
    text += fmt::format(" expires in {} us", (event.expires - event.at).count());
  }
  if (event.count != 0) text += fmt::format(" count {}", event.count);
  return text;
}

std::uint64_t History::fingerprint() const {
  std::uint64_t hash = 14'695'981'039'346'656'037U;  // FNV-1a
  for (const Event& event : events) {
    for (const char c : to_text(event)) {
      hash = (hash ^ static_cast<std::uint8_t>(c)) * 1'099'511'628'211U;
    }
  }
  return hash;
}

}  // namespace latchkey::sim
