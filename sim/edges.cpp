#include "sim/edges.hpp"

#include "base/testing/await.hpp"
#include "base/time_text.hpp"
#include "codes/sqlite_code_rows.hpp"

namespace latchkey::sim {

using codes::CodeFacts;
using codes::CodeKeys;
using codes::CodeRow;

azure::QueueAddress queue_address() {
  const std::string url =
      std::string("https://store.queue.core.windows.net/") + kQueue + "?sv=x&sig=y";
  return azure::queue_address_from_url(url, nullptr).value();
}

Task<Result<http::Response>> QueueEdge::send(http::ClientRequest request) {
  const Micros timeout = request.timeout;
  std::function<Result<http::Response>()> effect = [this_world = &world_, number = machine_.number,
                                                    request = std::move(request)] {
    return carry_out(*this_world, number, request);
  };
  co_return co_await world_.network.call<http::Response>(machine_, timeout, std::move(effect));
}

Result<http::Response> QueueEdge::carry_out(World& world, int machine,
                                            const http::ClientRequest& request) {
  if (!world.network.queue_reachable) {
    return fail(ErrorKind::unavailable, "ConnectionRefused", "the simulated queue is down");
  }
  IoContext at_the_queue;
  auto answer = testing::await(at_the_queue, world.queues.send(request));
  world.queues.calls.clear();
  world.note_messages(machine);
  if (answer) answer->headers.add("Date", to_rfc1123(world.timeline.now()));
  return answer;
}

Task<Result<codes::CodeTable::InsertAnswer>> TableEdge::insert(CodeRow row, codes::Limits limits,
                                                               Trace) {
  return run<InsertAnswer>("insert", [row = std::move(row), limits](Database& rows) {
    return codes::rows::insert(rows, row, limits);
  });
}

Task<Result<codes::CodeTable::Activation>> TableEdge::activate(CodeKeys keys, UtcTime now, Trace) {
  return run<Activation>("activate", [keys = std::move(keys), now](Database& rows) {
    return codes::rows::activate(rows, keys, now);
  });
}

Task<Result<codes::CodeTable::Revocation>> TableEdge::revoke_id(std::string id, Trace) {
  return run<Revocation>(
      "revoke", [id = std::move(id)](Database& rows) { return codes::rows::revoke_id(rows, id); });
}

Task<Result<std::vector<CodeFacts>>> TableEdge::revoke_subject(std::string subject,
                                                               std::optional<std::string> purpose,
                                                               UtcTime now, Trace) {
  return run<std::vector<CodeFacts>>(
      "revoke", [subject = std::move(subject), purpose = std::move(purpose), now](Database& rows) {
        return codes::rows::revoke_subject(rows, subject, purpose, now);
      });
}

Task<Result<codes::CodeTable::AttemptAnswer>> TableEdge::attempt(AttemptRequest request) {
  return run<AttemptAnswer>(
      "attempt", [world = &world_, machine = machine_.number, asked = world_.timeline.now(),
                  request = std::move(request)](Database& rows) {
        auto answer = codes::rows::attempt(rows, request);
        if (answer) note_attempt(*world, machine, asked, request, *answer);
        return answer;
      });
}

Task<Result<std::optional<CodeRow>>> TableEdge::find(CodeKeys keys) {
  return run<std::optional<CodeRow>>(
      "find", [keys = std::move(keys)](Database& rows) { return codes::rows::find(rows, keys); });
}

Task<Result<std::optional<CodeRow>>> TableEdge::find_id(std::string id, Trace) {
  return run<std::optional<CodeRow>>(
      "find", [id = std::move(id)](Database& rows) { return codes::rows::find_id(rows, id); });
}

Task<Result<std::optional<CodeFacts>>> TableEdge::remove(CodeKeys keys, UtcTime expired_by, Trace) {
  return run<std::optional<CodeFacts>>("remove",
                                       [keys = std::move(keys), expired_by](Database& rows) {
                                         return codes::rows::remove(rows, keys, expired_by);
                                       });
}

Task<Result<std::vector<CodeFacts>>> TableEdge::remove_expired(UtcTime expired_by,
                                                               std::int64_t limit) {
  return run<std::vector<CodeFacts>>("remove", [expired_by, limit](Database& rows) {
    return codes::rows::remove_expired(rows, expired_by, limit);
  });
}

void TableEdge::note_attempt(World& world, int machine, UtcTime asked,
                             const AttemptRequest& request, const AttemptAnswer& answer) {
  static constexpr const char* kOutcomes[] = {"yes", "not_active_yet", "refused", "throttled"};
  Event attempt = world.event(Event::Kind::attempt, machine);
  attempt.life = request.keys.front();
  attempt.asked = asked;
  attempt.binding = request.binding;
  attempt.verdict = kOutcomes[static_cast<std::size_t>(answer.outcome)];
  attempt.reason = answer.reason;
  world.history.add(std::move(attempt));
}

}  // namespace latchkey::sim
