#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "azure/queue_client.hpp"
#include "codes/code_table.hpp"
#include "http/client.hpp"
#include "sim/world.hpp"

/// Where a machine's program meets the world: Queue Storage and the code table, reached over the
/// simulated network.
namespace latchkey::sim {

/// The queue's address, with a SAS, so that no token is needed.
azure::QueueAddress queue_address();

/// Queue Storage as one machine sees it. Answers carry the queue's Date, as Azure's do.
class QueueEdge final : public http::HttpClient {
 public:
  QueueEdge(World& world, Machine& machine) : world_(world), machine_(machine) {}
  Task<Result<http::Response>> send(http::ClientRequest request) override;

 private:
  static Result<http::Response> carry_out(World& world, int machine,
                                          const http::ClientRequest& request);
  World& world_;
  Machine& machine_;
};

/// The code table as one machine sees it: the real statements on rows that all machines share.
class TableEdge : public codes::CodeTable {
 public:
  static constexpr Micros kTimeout{5'000'000};
  using Database = sqlite::Database;
  TableEdge(World& world, Machine& machine) : world_(world), machine_(machine) {}

  Task<Result<InsertAnswer>> insert(codes::CodeRow row, codes::Limits limits, Trace trace) override;
  Task<Result<Activation>> activate(codes::CodeKeys keys, UtcTime now, Trace trace) override;
  Task<Result<Revocation>> revoke_id(std::string id, Trace trace) override;
  Task<Result<std::vector<codes::CodeFacts>>> revoke_subject(std::string subject,
                                                             std::optional<std::string> purpose,
                                                             UtcTime now, Trace trace) override;
  Task<Result<AttemptAnswer>> attempt(AttemptRequest request) override;
  Task<Result<std::optional<codes::CodeRow>>> find(codes::CodeKeys keys) override;
  Task<Result<std::optional<codes::CodeRow>>> find_id(std::string id, Trace trace) override;
  Task<Result<std::optional<codes::CodeFacts>>> remove(codes::CodeKeys keys, UtcTime expired_by,
                                                       Trace trace) override;
  Task<Result<std::vector<codes::CodeFacts>>> remove_expired(UtcTime expired_by,
                                                             std::int64_t limit) override;

 protected:
  template <class T>
  Task<Result<T>> run(const char* name, std::function<Result<T>(Database&)> step) {
    std::function<Result<T>()> effect = [this_world = &world_, machine = machine_.number, name,
                                         asked = world_.timeline.now(), step = std::move(step)] {
      Result<T> result = step(this_world->rows);
      this_world->note_rows(name, machine, asked);
      return result;
    };
    return world_.network.call<T>(machine_, kTimeout, std::move(effect));
  }
  /// Writes down what the table answered to a verification.
  static void note_attempt(World& world, int machine, UtcTime asked, const AttemptRequest& request,
                           const AttemptAnswer& answer);

  World& world_;
  Machine& machine_;
};

}  // namespace latchkey::sim
