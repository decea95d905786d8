#pragma once

#include "codes/condition.hpp"
#include "codes/message.hpp"
#include "codes/watcher.hpp"

namespace latchkey::codes {

/// What the watcher does with one message that Get Messages gave it: parse, decide (rules.hpp),
/// then the steps on table and queue. Serves any number of messages at once, on one executor.
class Visitor {
 public:
  Visitor(Watcher::Dependencies dependencies, const WatcherOptions& options);

  /// True when the message is done with: it is deleted or hidden until its code is over (with
  /// `host_deletes`: the host may delete it). False: it has to come again.
  Task<bool> visit(wire::QueueMessage message);

  /// The last word of the code table, from visits and from the sweep.
  Condition table;
  WatcherCounts counts;
  /// Writes down that a row was forgotten, if its code had never been used or revoked.
  void record_forgotten(const CodeFacts& code);

 private:
  using Activation = CodeTable::Activation;
  struct Visit {
    const wire::QueueMessage& message;
    CodeMessage content;
    UtcTime issued{};  ///< effective_issue_time
    UtcTime now{};
    std::chrono::seconds hide_for{};
    Trace trace{};
  };

  Task<bool> visit_within(const wire::QueueMessage& message, Trace trace);

  Task<bool> activate_and_hide(Visit visit);
  Task<Result<Activation>> make_valid(const Visit& visit);
  Task<Result<Activation>> insert_unissued(const Visit& visit);
  /// What `action` says, for a message that has nothing (more) to make valid.
  Task<bool> put_away(Visit visit, Decision::Action action);
  Task<bool> hide(const Visit& visit);
  Task<bool> resend(const Visit& visit);
  Task<bool> forget(const Visit& visit);
  Task<bool> discard(const wire::QueueMessage& message, Trace trace);
  Task<bool> poison(const wire::QueueMessage& message, std::string reason, Trace trace);
  Task<Result<>> put_poison(const wire::QueueMessage& message, Trace trace);
  /// Deletes the message, or leaves that to the host. True when it is away, by us or by somebody
  /// else.
  Task<bool> remove(const wire::QueueMessage& message, Trace trace);

  void table_failed(const Error& error);
  void step_failed(Condition& step, const Error& error);
  void record(AuditEventKind kind, const CodeFacts& code);
  CodeKeys keys_of(const Visit& visit) const;

  Watcher::Dependencies with_;
  const WatcherOptions options_;
  azure::QueueClient poison_queue_;
  bool by_resend_;
  Condition hiding_;
  Condition removing_;
  Condition poisoning_;
};

}  // namespace latchkey::codes
