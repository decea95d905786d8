#include "sim/checker.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace latchkey::sim {
namespace {
using codes::CodeState;
using std::chrono::milliseconds;
using Kind = Event::Kind;

/// What concerns one code, in its order.
struct Story {
  std::vector<const Event*> events;
  UtcTime expires{};
  codes::Binding binding;
};

struct Findings {
  const History& history;
  std::vector<Violation> violations;

  const Settings& settings() const { return history.settings; }
  void add(const char* invariant, std::string what, UtcTime at) {
    violations.push_back({invariant, std::move(what), at});
  }
  bool happened(Kind kind) const { return when(kind).has_value(); }
  std::optional<UtcTime> when(Kind kind) const {
    for (const Event& event : history.events) {
      if (event.kind == kind) return event.at;
    }
    return std::nullopt;
  }
  std::int64_t faults(UtcTime from, UtcTime to, std::string_view reason = {}) const {
    return std::count_if(history.events.begin(), history.events.end(), [&](const Event& event) {
      return event.kind == Kind::fault && event.at >= from && event.at <= to &&
             (reason.empty() || event.reason == reason);
    });
  }
};

bool accepted(const Event& event) {
  return event.kind == Kind::verified && event.verdict == "accepted";
}
bool became(const Event& event, CodeState state) {
  return event.kind == Kind::row && event.to == state;
}
bool usable(RowState state) {
  return state == CodeState::pending || state == CodeState::valid;
}

/// I1: no acceptance of a code at a true time at or after issued + lifetime + e.
void i1(const Story& story, Findings& found) {
  for (const Event* event : story.events) {
    if (!accepted(*event)) continue;
    if (event->at >= story.expires + found.settings().clock_error) {
      found.add("I1", "accepted after its end", event->at);
    }
  }
}

/// I2: after USED or REVOKED no call answers success for that issue, on any machine, by any later
/// message, after any restart.
void i2(const Story& story, Findings& found) {
  const Event* over = nullptr;  // The answer after which everybody may rely on the end.
  for (const Event* event : story.events) {
    if (accepted(*event) && over != nullptr && event->asked > over->at &&
        (event->group.empty() || event->group != over->group)) {
      found.add("I2", "accepted after it had been used or revoked", event->at);
    }
    if (over == nullptr && (accepted(*event) || event->kind == Kind::revoked)) over = event;
  }
  const bool ever_revoked =
      std::any_of(story.events.begin(), story.events.end(),
                  [](const Event* event) { return became(*event, CodeState::revoked); });
  for (const Event* event : story.events) {
    if (ever_revoked && accepted(*event)) {
      found.add("I2", "accepted though its row was revoked", event->at);
    }
  }
}

/// I3: across any number of verifiers and any interleaving there is at most one acceptance; the
/// same caller's idempotency key counts once.
void i3(const Story& story, Findings& found) {
  std::set<std::string> groups;
  int alone = 0;
  for (const Event* event : story.events) {
    if (!accepted(*event)) continue;
    if (event->group.empty()) {
      ++alone;
    } else {
      groups.insert(event->group);
    }
    if (alone + static_cast<int>(groups.size()) > 1) {
      found.add("I3", "accepted twice", event->at);
      return;
    }
  }
}

/// I4: a code does not become invalid before issued + lifetime - e but by use, revocation,
/// supersession or exhausted attempts.
void i4(const Story& story, Findings& found) {
  const UtcTime sure = story.expires - found.settings().clock_error;
  RowState state;
  for (const Event* event : story.events) {
    if (event->at >= sure) return;
    if (event->kind == Kind::row) {
      if (!event->to && event->reason != "attempt") {
        found.add("I4", "forgotten before its end", event->at);
      }
      state = event->to;
    }
    if (event->kind == Kind::attempt && state == CodeState::valid && event->verdict == "refused" &&
        event->binding == story.binding) {
      found.add("I4", "refused while it was valid", event->at);
    }
  }
}

/// I5: states never move backwards: absent, PENDING, VALID, then USED or REVOKED, then gone for
/// ever. (A foreign producer's code begins as VALID. A call that was on its way for so long that
/// its code is over and forgotten may write the row again: one that nobody can accept.)
void i5(const Story& story, Findings& found) {
  bool gone = false;
  for (const Event* event : story.events) {
    if (event->kind != Kind::row) continue;
    const auto [from, to] = std::pair{event->from, event->to};
    const bool dead = event->at >= event->expires + found.settings().clock_error;
    bool forward = true;
    if (to && !from) {
      const bool begins = to == CodeState::pending || !found.settings().pending_rows;
      forward = begins && (!gone || dead);
    } else if (to) {
      const bool skips = from == CodeState::pending && to == CodeState::used;
      forward = usable(from) && *to > *from && !skips;
    }
    if (!forward) found.add("I5", "its state moved backwards", event->at);
    gone = gone || !to;
  }
}

/// I6: at most attempts_per_code refused comparisons are evaluated per code, under any concurrency.
/// A guess compares with every usable code of its subject and purpose; with somebody else's, when
/// it hits it.
void i6(Findings& found) {
  struct Guessed {
    RowState state;
    UtcTime sure{};
    codes::Binding binding;
    std::int64_t comparisons = 0;
  };
  std::map<Life, Guessed> lives;
  for (const Event& event : found.history.events) {
    if (event.kind == Kind::row) {
      Guessed& life = lives[event.life];
      life.state = event.to;
      life.sure = event.expires - found.settings().clock_error;
      life.binding = event.binding;
    }
    if (event.kind != Kind::attempt || event.verdict != "refused") continue;
    for (auto& [key, life] : lives) {
      if (!usable(life.state) || event.at >= life.sure) continue;
      const bool same = event.binding == life.binding;
      const bool compared = same ? !event.binding.subject.empty() : key == event.life;
      if (!compared || ++life.comparisons <= found.settings().attempts_per_code) continue;
      found.add("I6", "compared more often than allowed", event.at);
    }
  }
}

/// I7: a code is accepted only for its subject and purpose.
void i7(const Story& story, Findings& found) {
  for (const Event* event : story.events) {
    if (accepted(*event) && event->binding != story.binding) {
      found.add("I7", "accepted for another subject or purpose", event->at);
    }
  }
}

/// I8: no message, however formed, makes a code valid that was not issued.
void i8(const Story& story, Findings& found) {
  if (!found.settings().pending_rows) return;
  for (const Event* event : story.events) {
    const bool made = event->kind == Kind::row && !event->from;
    if (made && !found.settings().producers.contains(event->machine)) {
      found.add("I8", "a row that nobody issued", event->at);
    }
  }
}

/// I9: no message changes the state of a code that is over, as far as the one who handles it can
/// know: it looked at its clock when it asked for the change, which may arrive later. (A foreign
/// producer's row may be written late: it says itself that it is over.)
void i9(const Story& story, Findings& found) {
  for (const Event* event : story.events) {
    const bool foreign = !found.settings().pending_rows && !event->from;
    if (became(*event, CodeState::valid) && !foreign &&
        event->asked >= event->expires + found.settings().clock_error) {
      found.add("I9", "made valid after its end", event->at);
    }
  }
}

/// I10: no code stands in a log line or an audit event.
void i10(Findings& found) {
  if (const auto leaked = found.when(Kind::leak)) found.add("I10", "a code was written", *leaked);
}

/// I11: an issued code becomes VALID within (crashes + 1) x work visibility + poll interval +
/// processing while the queue and a watcher are there; without faults within the poll interval and
/// processing.
void i11(const Story& story, Findings& found) {
  constexpr milliseconds kProcessing{1'000};
  const Settings& settings = found.settings();
  const auto settled = found.when(Kind::settled);
  const Event* issued = nullptr;
  for (const Event* event : story.events) {
    if (event->kind == Kind::issued) issued = event;
  }
  if (issued == nullptr) return;
  milliseconds bound = settings.poll_max + kProcessing;
  if (settings.only_crashes) {
    // A machine that was killed shortly before may still be down.
    const UtcTime from = story.events.front()->at - settings.restart_max;
    const auto crashes = found.faults(from, story.expires, "crash");
    bound += crashes * (settings.work_visibility + settings.restart_max);
  } else if (!settled || issued->at < *settled) {
    return;
  }
  const UtcTime due = issued->at + bound;
  if (due >= story.expires || found.history.events.back().at < due) return;
  const bool done = std::any_of(story.events.begin(), story.events.end(), [&](const Event* event) {
    return event->at <= due &&
           (became(*event, CodeState::valid) || became(*event, CodeState::revoked));
  });
  if (!done) found.add("I11", "not valid in time", due);
}

/// I12: every message is deleted some time after its code is over: the queue drains to zero; so
/// does the table, after the sweep.
void i12(Findings& found) {
  for (const Event& event : found.history.events) {
    if (event.kind == Kind::drained && event.count > 0) {
      found.add("I12", std::to_string(event.count) + " messages are left", event.at);
    }
    if (event.kind == Kind::swept && event.count > 0) {
      found.add("I12", std::to_string(event.count) + " rows are left", event.at);
    }
  }
}

/// I13: there are never more messages of a code than its producers put (retries and duplicates
/// included); where messages are sent again, one more for each that is being handled and each
/// fault.
void i13(const Story& story, Findings& found) {
  std::int64_t put = 0;
  std::int64_t before = 0;
  for (const Event* event : story.events) {
    if (event->kind != Kind::message) continue;
    const bool producer = event->machine < 0 || found.settings().producers.contains(event->machine);
    if (producer) put += std::max<std::int64_t>(event->count - before, 0);
    before = event->count;
    std::int64_t allowed = put;
    if (!found.settings().one_message) allowed += put + found.faults({}, event->at);
    if (event->count > allowed) found.add("I13", "its messages multiply", event->at);
  }
}

/// I14: a malformed message leaves the queue after at most 5 deliveries, and one more per fault.
void i14(Findings& found) {
  for (const Event& event : found.history.events) {
    if (event.kind != Kind::malformed || event.count <= found.settings().deliveries_max) continue;
    if (event.count > found.settings().deliveries_max + found.faults({}, event.at)) {
      found.add("I14", "a malformed message stays", event.at);
    }
  }
}

/// I15: a code that was given out becomes VALID or expires, even if every process is killed right
/// after the answer: at that moment it stands in the table, and in the queue until it is VALID.
void i15(const Story& story, Findings& found) {
  if (!found.settings().pending_rows) return;
  for (const Event* event : story.events) {
    if (event->kind != Kind::issued) continue;
    const bool announced = event->count > 0 || event->to != CodeState::pending;
    const bool over = event->at >= story.expires - found.settings().clock_error;
    if (!over && (!event->to || !announced)) {
      found.add("I15", "given out before it was durable", event->at);
    }
  }
}

std::map<Life, Story> stories_of(const History& history) {
  std::map<Life, Story> stories;
  for (const Event& event : history.events) {
    if (event.life == Life{}) continue;
    Story& story = stories[event.life];
    story.events.push_back(&event);
    const bool tells = event.kind == Kind::row || event.kind == Kind::issued;
    if (!tells || story.expires != UtcTime{}) continue;
    story.expires = event.expires;
    story.binding = event.binding;
  }
  return stories;
}

}  // namespace

std::vector<Violation> check(const History& history) {
  Findings found{history, {}};
  for (const auto& [life, story] : stories_of(history)) {
    for (const auto invariant : {i1, i2, i3, i4, i5, i7, i8, i9, i11, i13, i15}) {
      invariant(story, found);
    }
  }
  for (const auto invariant : {i6, i10, i12, i14}) invariant(found);
  return std::move(found.violations);
}

}  // namespace latchkey::sim
