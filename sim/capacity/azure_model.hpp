#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "base/sqlite.hpp"
#include "base/testing/seeded_random.hpp"
#include "codes/audit.hpp"
#include "codes/code_hasher.hpp"
#include "codes/code_table.hpp"
#include "codes/testing/fake_queues.hpp"
#include "http/client.hpp"
#include "sim/capacity/facts.hpp"
#include "sim/machine.hpp"

/// Azure as far as its limits go: queues, table and number API that take their time, count who asks
/// for what, and answer 503 ServerBusy above their rates.
namespace latchkey::sim::capacity {

/// So many a second, with a tenth of a second's worth in hand.
class Bucket {
 public:
  explicit Bucket(double rate) : rate_(rate), held_(rate / 10) {}
  /// False: too many; nothing is taken.
  bool take(double count, UtcTime now);
  /// Takes what was not known before; the bucket may owe it.
  void owe(double count) { held_ -= count; }

 private:
  double rate_;
  double held_;
  UtcTime filled_{};
};

struct Counts {
  double puts = 0;
  double gets = 0;
  double updates = 0;
  double deletes = 0;
  double numbers = 0;
  double table = 0;
  double throttled = 0;  ///< answered 503
  double issued = 0;
  double accepted = 0;
  double activated = 0;
  double lag_seconds = 0;  ///< from row to VALID, the sum

  double queue() const { return puts + gets + updates + deletes; }
  Counts since(const Counts& before) const;
};

/// What all machines share.
class AzureModel : public codes::Audit {
 public:
  /// `queues` queues, which share `account_share` of what one account gives.
  AzureModel(const Facts& facts, int queues, double account_share, double table_rate);

  Timeline timeline;
  TrueClock clock{timeline};
  testing::SeededRandom random{1};
  codes::CodeHasher hasher{Secret("pepper"), "v1"};
  Counts counts;

  std::vector<azure::QueueAddress> addresses() const;
  /// What a request is answered with, when it arrives now.
  Result<http::Response> answer(const http::ClientRequest& request);
  /// Whether the table takes so many requests now.
  bool table_takes(int requests);
  sqlite::Database& rows() { return rows_; }
  void record(const codes::AuditEvent&) override {}
  /// Around `mean_ms`, a half up or down.
  Micros some_time(double mean_ms);
  const Facts& facts() const { return facts_; }

 private:
  void count(http::Method method);

  const Facts facts_;
  int queues_count_;
  codes::testing::FakeQueues queues_{clock, random};
  std::map<std::string, Bucket> per_queue_;
  Bucket account_;
  Bucket table_;
  sqlite::Database rows_;
};

/// The model as one machine's HttpClient.
class ModelEdge final : public http::HttpClient {
 public:
  ModelEdge(AzureModel& model, Machine& machine) : model_(model), machine_(machine) {}
  Task<Result<http::Response>> send(http::ClientRequest request) override;

 private:
  AzureModel& model_;
  Machine& machine_;
};

/// The code table as one machine sees it: the real statements, after as many requests as Table
/// Storage would be asked for.
class ModelTable final : public codes::CodeTable {
 public:
  ModelTable(AzureModel& model, Machine& machine) : model_(model), machine_(machine) {}
  Task<Result<InsertAnswer>> insert(codes::CodeRow row, codes::Limits limits, Trace) override;
  Task<Result<Activation>> activate(codes::CodeKeys keys, UtcTime now, Trace) override;
  Task<Result<AttemptAnswer>> attempt(AttemptRequest request) override;
  Task<Result<std::optional<codes::CodeFacts>>> remove(codes::CodeKeys keys, UtcTime expired_by,
                                                       Trace) override;
  // Nobody asks for these here.
  Task<Result<Revocation>> revoke_id(std::string, Trace) override;
  Task<Result<std::vector<codes::CodeFacts>>> revoke_subject(std::string,
                                                             std::optional<std::string>, UtcTime,
                                                             Trace) override;
  Task<Result<std::optional<codes::CodeRow>>> find(codes::CodeKeys) override;
  Task<Result<std::optional<codes::CodeRow>>> find_id(std::string, Trace) override;
  Task<Result<std::vector<codes::CodeFacts>>> remove_expired(UtcTime, std::int64_t) override;

 private:
  /// So many requests, one after the other, each again while the table is too busy.
  Task<> ask(int requests);
  AzureModel& model_;
  Machine& machine_;
};

}  // namespace latchkey::sim::capacity
