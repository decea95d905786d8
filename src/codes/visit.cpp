#include "codes/visit.hpp"

#include <algorithm>
#include <utility>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "codes/code_id.hpp"
#include "codes/code_metrics.hpp"

namespace latchkey::codes {
namespace {
using std::chrono::seconds;
using wire::QueueMessage;

/// "<queue>-poison", cut to the 63 characters that a queue's name may have.
std::string poison_name(std::string name) {
  constexpr std::string_view kSuffix = "-poison";
  constexpr std::size_t kNameMax = 63;
  name.resize(std::min(name.size(), kNameMax - kSuffix.size()));
  while (name.ends_with('-')) name.pop_back();  // No two hyphens beside each other.
  return name.append(kSuffix);
}

/// Somebody else deleted, updated or took the message: what we wanted is done or will be.
bool is_gone(const Error& error) {
  return error.code == "MessageNotFound" || error.code == "PopReceiptMismatch";
}

/// The service does not hide a message beyond its own end; then there is no second visit, and the
/// sweep removes the row.
seconds within_life(seconds hide_for, const QueueMessage& message, UtcTime now,
                    const LifetimeRules& rules) {
  if (message.expiration_time == UtcTime{}) return hide_for;
  const auto left =
      std::chrono::floor<seconds>(message.expiration_time - now - rules.clock_error_max);
  return std::max(std::min(hide_for, left), seconds{1});
}

/// The text to send again: as it came, unless the queue's insertion time overruled the timestamp.
/// The new message has a new insertion time, so the bound must go into the text.
std::string text_to_resend(const QueueMessage& message, const CodeMessage& content,
                           UtcTime issued) {
  if (issued == content.timestamp) return message.text;
  std::string text = render_message({content.code, issued});
  const bool was_plain = trim(message.text).find('{') != std::string_view::npos;
  return was_plain ? text : to_base64(text);
}

}  // namespace

Visitor::Visitor(Watcher::Dependencies dependencies, const WatcherOptions& options)
    : table("code_table", dependencies.queue.name()),
      with_(dependencies),
      options_(options),
      poison_queue_(dependencies.queue.sibling(poison_name(dependencies.queue.name()))),
      by_resend_(options.requeue == Requeue::resend || options.host_deletes),
      hiding_("hide_message", dependencies.queue.name()),
      removing_("delete_message", dependencies.queue.name()),
      poisoning_("poison_message", dependencies.queue.name()) {}

Task<bool> Visitor::visit(QueueMessage message) {
  if (with_.tracer == nullptr) co_return co_await visit_within(message, {});
  Span span = with_.tracer->begin(Span::Kind::consumer);
  const bool done = co_await visit_within(message, span.trace);
  if (span.recorded()) {
    span.name = "visit " + with_.queue.name();
    span.failed = !done;
    span.set("messaging.message.id", message.id);
    span.set("latchkey.dequeue_count", message.dequeue_count);
    with_.tracer->end(std::move(span));
  }
  co_return done;
}

Task<bool> Visitor::visit_within(const QueueMessage& message, Trace trace) {
  using Action = Decision::Action;
  auto content = parse_message(message.text);
  if (!content) {
    co_return co_await poison(message, content.error().message, trace);
  }
  const UtcTime now = with_.clock.now();
  const UtcTime issued =
      effective_issue_time(content->timestamp, message.insertion_time, options_.rules);
  const Decision decision = decide(issued, message.dequeue_count, now, options_.rules);
  const Visit visit{message, std::move(*content), issued, now, decision.hide_for, trace};
  if (decision.action == Action::activate_and_hide) {
    co_return co_await activate_and_hide(visit);
  }
  if (decision.action == Action::poison) {
    co_return co_await poison(message, "taken too often without success", trace);
  }
  co_return co_await put_away(visit, decision.action);
}

Task<bool> Visitor::activate_and_hide(Visit visit) {
  using Standing = Activation::Standing;
  auto activation = co_await make_valid(visit);
  if (!activation) {
    table_failed(activation.error());
    co_return false;
  }
  table.works();
  if (activation->standing == Standing::unissued) {
    co_return co_await discard(visit.message, visit.trace);
  }
  if (activation->standing == Standing::activated) {
    ++counts.activated;
    if (with_.metrics != nullptr) with_.metrics->activated(with_.clock.now() - visit.issued);
    record(AuditEventKind::code_activated, activation->facts);
  }
  Decision::Action action = Decision::Action::activate_and_hide;
  // A code may live shorter than its message: the row's own end counts. Not in seed mode, where the
  // row must outlive every message that could bring its code back.
  if (!options_.accept_unissued) {
    const UtcTime issued = activation->facts.expires - options_.rules.lifetime;
    const Decision by_row = decide(issued, 0, visit.now, options_.rules);
    action = by_row.action;
    visit.hide_for = std::min(visit.hide_for, by_row.hide_for);
  }
  co_return co_await put_away(std::move(visit), action);
}

Task<bool> Visitor::put_away(Visit visit, Decision::Action action) {
  if (action == Decision::Action::forget) co_return co_await forget(visit);
  if (action == Decision::Action::hide && by_resend_) {
    // Over, but not yet to be forgotten: sent again every second it would only multiply; without it
    // the message comes back as well.
    if (!options_.host_deletes) co_return false;
    // To a host that would be a failure. Sent once more for the whole while, it is forgotten next.
    visit.hide_for = std::chrono::ceil<seconds>(options_.rules.spread());
  }
  visit.hide_for = within_life(visit.hide_for, visit.message, visit.now, options_.rules);
  co_return co_await hide(visit);
}

Task<Result<Visitor::Activation>> Visitor::make_valid(const Visit& visit) {
  auto activation = co_await with_.table.activate(keys_of(visit), visit.now, visit.trace);
  if (!activation) co_return fail(std::move(activation.error()));
  const bool unissued = activation->standing == Activation::Standing::unissued;
  if (!unissued || !options_.accept_unissued) co_return activation;
  auto inserted = co_await insert_unissued(visit);
  co_return inserted;
}

Task<Result<Visitor::Activation>> Visitor::insert_unissued(const Visit& visit) {
  using Outcome = CodeTable::InsertAnswer::Outcome;
  // By the time of issue, so that two watchers with two messages of one code name the same row
  // while a pepper is rotated.
  auto [key, key_id] = with_.hasher.hash_new(visit.content.code.reveal(), visit.issued);
  CodeRow row{.key = key,
              .key_id = std::move(key_id),
              .id = make_code_id(visit.now, with_.random),
              .issued = visit.issued,
              .expires = visit.issued + options_.rules.lifetime,
              .state = CodeState::valid};
  CodeFacts facts{.id = row.id, .binding = {}, .expires = row.expires};
  auto inserted = co_await with_.table.insert(std::move(row), Limits{}, visit.trace);
  if (!inserted) co_return fail(std::move(inserted.error()));
  const bool ours = inserted->outcome == Outcome::inserted;
  const auto standing = ours ? Activation::Standing::activated : Activation::Standing::known;
  co_return Activation{.standing = standing, .facts = std::move(facts)};
}

Task<bool> Visitor::hide(const Visit& visit) {
  if (by_resend_) co_return co_await resend(visit);
  const QueueMessage& message = visit.message;
  auto updated = co_await with_.queue.update(message.id, message.pop_receipt, visit.hide_for,
                                             std::nullopt, visit.trace);
  if (updated) {
    ++counts.hidden;
    hiding_.works();
    co_return true;
  }
  if (is_gone(updated.error())) {
    ++counts.gone;
    co_return true;
  }
  const bool lacks_role = updated.error().code == "AuthorizationPermissionMismatch";
  if (!lacks_role || options_.requeue != Requeue::automatic) {
    step_failed(hiding_, updated.error());
    co_return false;
  }
  // Storage Queue Data Message Processor may not update. Others of this batch find out as well.
  if (!by_resend_) {
    log::info("requeue_by_resend", {{"queue", with_.queue.name()},
                                    {"reason", "the role does not allow Update Message"}});
  }
  by_resend_ = true;
  co_return co_await resend(visit);
}

Task<bool> Visitor::resend(const Visit& visit) {
  azure::PutOptions options;
  options.visibility_timeout = visit.hide_for;
  options.time_to_live = visit.hide_for + kMessageMargin;
  options.trace = visit.trace;
  std::string text = text_to_resend(visit.message, visit.content, visit.issued);
  auto put = co_await with_.queue.put(std::move(text), options);
  if (!put) {
    step_failed(hiding_, put.error());
    co_return false;
  }
  hiding_.works();
  // From here on there are two; the rules make the second harmless should this not come to pass.
  const bool removed = co_await remove(visit.message, visit.trace);
  if (removed) ++counts.hidden;
  co_return removed;
}

Task<bool> Visitor::forget(const Visit& visit) {
  auto removed =
      co_await with_.table.remove(keys_of(visit), visit.now - options_.rules.spread(), visit.trace);
  if (!removed) {
    table_failed(removed.error());
    co_return false;
  }
  table.works();
  if (*removed) record_forgotten(**removed);
  const bool away = co_await remove(visit.message, visit.trace);
  if (away) ++counts.forgotten;
  co_return away;
}

Task<bool> Visitor::discard(const QueueMessage& message, Trace trace) {
  log::warning("unissued_code", {{"queue", with_.queue.name()}, {"message_id", message.id}});
  const bool away = co_await remove(message, trace);
  if (away) ++counts.unissued;
  co_return away;
}

Task<bool> Visitor::poison(const QueueMessage& message, std::string reason, Trace trace) {
  auto put = co_await put_poison(message, trace);
  if (!put) {
    step_failed(poisoning_, put.error());
    co_return false;
  }
  poisoning_.works();
  log::warning("poison_message", {{"queue", with_.queue.name()},
                                  {"message_id", message.id},
                                  {"dequeue_count", message.dequeue_count},
                                  {"reason", reason}});
  const bool away = co_await remove(message, trace);
  if (away) ++counts.poisoned;
  co_return away;
}

Task<Result<>> Visitor::put_poison(const QueueMessage& message, Trace trace) {
  azure::PutOptions options;
  options.trace = trace;
  auto put = co_await poison_queue_.put(message.text, options);
  if (!put && put.error().code == "QueueNotFound") {
    auto created = co_await poison_queue_.create();
    if (!created) co_return fail(std::move(created.error()));
    put = co_await poison_queue_.put(message.text, options);
  }
  if (!put) co_return fail(std::move(put.error()));
  co_return Result<>{};
}

Task<bool> Visitor::remove(const QueueMessage& message, Trace trace) {
  if (options_.host_deletes) co_return true;
  auto removed = co_await with_.queue.remove_message(message.id, message.pop_receipt, trace);
  if (removed) {
    removing_.works();
    co_return true;
  }
  if (is_gone(removed.error())) {
    ++counts.gone;
    co_return true;
  }
  step_failed(removing_, removed.error());
  co_return false;
}

void Visitor::table_failed(const Error& error) {
  step_failed(table, error);
}

void Visitor::step_failed(Condition& step, const Error& error) {
  ++counts.failed;
  step.fails(error);
}

void Visitor::record_forgotten(const CodeFacts& code) {
  const bool lived = code.state == CodeState::pending || code.state == CodeState::valid;
  if (lived) record(AuditEventKind::code_expired, code);
}

void Visitor::record(AuditEventKind kind, const CodeFacts& code) {
  with_.audit.record({.kind = kind,
                      .code_id = code.id,
                      .subject = code.binding.subject,
                      .purpose = code.binding.purpose,
                      .caller = "watcher"});
}

CodeKeys Visitor::keys_of(const Visit& visit) const {
  return with_.hasher.hash_all(visit.content.code.reveal(), visit.now);
}

}  // namespace latchkey::codes
