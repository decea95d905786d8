#include "sim/world.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "codes/message.hpp"

namespace latchkey::sim {

void Network::fault(const char* what, int machine) {
  Event event{.kind = Event::Kind::fault, .at = timeline_.now(), .machine = machine};
  event.reason = what;
  history_.add(std::move(event));
}

World::World(sqlite::Database& rows_in, std::uint64_t seed) : random(seed), rows(rows_in) {
  queues.messages(kQueue);
  const auto begun = rows.execute("BEGIN");
  LK_ASSERT(begun.has_value());
}

World::~World() {
  machines.clear();
  const auto undone = rows.execute("ROLLBACK");
  LK_ASSERT(undone.has_value());
}

void World::run_until(UtcTime end) {
  const auto run_machines = [this] {
    for (const auto& machine : machines) machine->run();
  };
  run_machines();
  while (timeline.step(end)) run_machines();
}

Event World::event(Event::Kind kind, int machine) const {
  return {.kind = kind, .at = timeline.now(), .machine = machine};
}

std::optional<Life> World::life_of_message(const std::string& text) {
  const auto [place, added] = lives_by_text_.try_emplace(text);
  if (added) {
    const auto message = codes::parse_message(text);
    if (message) place->second = life_of(message->code.reveal());
  }
  return place->second;
}

std::int64_t World::messages_of(const Life& life) {
  const auto& messages = queues.messages(kQueue);
  return std::count_if(messages.begin(), messages.end(),
                       [&](const auto& message) { return life_of_message(message.text) == life; });
}

RowState World::state_of(const Life& life) const {
  const auto found = seen_rows_.find(life);
  return found == seen_rows_.end() ? std::nullopt : found->second.state;
}

void World::change(const Life& life, const Row& row, const char* call, int machine, UtcTime asked) {
  Row& seen = seen_rows_[life];
  if (seen.state == row.state) return;
  Event changed = event(Event::Kind::row, machine);
  changed.life = life;
  changed.from = seen.state;
  changed.to = row.state;
  changed.asked = asked;
  changed.expires = row.expires;
  changed.binding = row.binding;
  changed.reason = call;
  history.add(std::move(changed));
  seen = row;
}

void World::note_row(const Life& life, RowState to, UtcTime expires, const char* call, int machine,
                     UtcTime asked) {
  change(life, Row{.state = to, .expires = expires, .binding = {}}, call, machine, asked);
}

void World::note_rows(const char* call, int machine, UtcTime asked) {
  auto& statement = rows.cached("SELECT key, state, expires, subject, purpose FROM codes");
  std::map<Life, Row> now;
  for (auto more = statement.step(); more.value(); more = statement.step()) {
    Life life{};
    const auto key = statement.blob(0);
    std::copy(key.begin(), key.end(), life.begin());
    now[life] = Row{.state = static_cast<codes::CodeState>(statement.integer(1)),
                    .expires = UtcTime{Micros{statement.integer(2)}},
                    .binding = {std::string(statement.text(3)), std::string(statement.text(4))}};
  }
  statement.reset();
  for (const auto& [life, row] : now) change(life, row, call, machine, asked);
  for (const auto& [life, row] : seen_rows_) {
    if (!row.state || now.contains(life)) continue;
    Row gone = row;
    gone.state.reset();
    change(life, gone, call, machine, asked);
  }
}

void World::note_messages(int machine) {
  std::map<Life, std::int64_t> now;
  for (const auto& message : queues.messages(kQueue)) {
    const auto life = life_of_message(message.text);
    if (life) {
      ++now[*life];
    } else if (message.dequeue_count > seen_deliveries_[message.id]) {
      seen_deliveries_[message.id] = message.dequeue_count;
      Event delivered = event(Event::Kind::malformed, machine);
      delivered.count = message.dequeue_count;
      history.add(std::move(delivered));
    }
  }
  for (const auto& [life, count] : seen_messages_) now.try_emplace(life, 0);
  for (const auto& [life, count] : now) {
    if (seen_messages_[life] == count) continue;
    seen_messages_[life] = count;
    Event changed = event(Event::Kind::message, machine);
    changed.life = life;
    changed.count = count;
    history.add(std::move(changed));
  }
}

void World::look_for_codes(std::string_view text, int machine) {
  for (const std::string& code : secrets_) {
    if (text.find(code) == std::string_view::npos) continue;
    Event leak = event(Event::Kind::leak, machine);
    leak.life = life_of(code);
    history.add(std::move(leak));
  }
}

void World::record(const codes::AuditEvent& event) {
  for (const auto field :
       {event.code_id, event.subject, event.purpose, event.caller, event.reason}) {
    look_for_codes(field);
  }
}

}  // namespace latchkey::sim
