#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/sqlite.hpp"
#include "base/testing/seeded_random.hpp"
#include "codes/audit.hpp"
#include "codes/code_hasher.hpp"
#include "codes/testing/fake_queues.hpp"
#include "sim/history.hpp"
#include "sim/machine.hpp"
#include "sim/network.hpp"

namespace latchkey::sim {

inline constexpr const char* kQueue = "code-requests";

/// What the machines of one schedule share: the queue, the table's rows, the network, and the
/// history, which the world writes as it sees everything.
class World : public codes::Audit {
 public:
  /// `rows`: the tables, empty; whatever a schedule writes there is rolled back at its end.
  World(sqlite::Database& rows, std::uint64_t seed);
  ~World() override;

  Timeline timeline;
  testing::SeededRandom random;
  Dice dice{random};
  History history;
  TrueClock clock{timeline};
  codes::testing::FakeQueues queues{clock, random};
  Network network{timeline, dice, history};
  codes::CodeHasher hasher{Secret("pepper"), "v1"};
  sqlite::Database& rows;
  std::vector<std::unique_ptr<Machine>> machines;

  /// Lets everything happen that happens before `end`.
  void run_until(UtcTime end);
  Event event(Event::Kind kind, int machine = -1) const;

  Life life_of(std::string_view code) const {
    return hasher.hash_all(code, timeline.now()).front();
  }
  /// Of a message's text; nullopt for a malformed one.
  std::optional<Life> life_of_message(const std::string& text);
  std::int64_t messages_of(const Life& life);
  RowState state_of(const Life& life) const;

  /// After a call of the table, or the queue, has taken effect: writes down what changed.
  void note_rows(const char* call, int machine, UtcTime asked);
  void note_messages(int machine);
  /// The walkthrough's table has no rows: its changes come here.
  void note_row(const Life& life, RowState to, UtcTime expires, const char* call, int machine,
                UtcTime asked);

  /// A code that must not be seen in the log or the audit.
  void keep_secret(const Secret& code) { secrets_.emplace_back(code.reveal()); }
  void look_for_codes(std::string_view text, int machine = -1);
  void record(const codes::AuditEvent& event) override;

 private:
  struct Row {
    RowState state;
    UtcTime expires{};
    codes::Binding binding;
  };
  void change(const Life& life, const Row& row, const char* call, int machine, UtcTime asked);

  std::map<Life, Row> seen_rows_;
  std::map<Life, std::int64_t> seen_messages_;
  std::map<std::string, std::int64_t> seen_deliveries_;  ///< of malformed messages, by id
  std::map<std::string, std::optional<Life>> lives_by_text_;
  std::vector<std::string> secrets_;
};

}  // namespace latchkey::sim
