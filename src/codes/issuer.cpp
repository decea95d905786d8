#include "codes/issuer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/tracer.hpp"
#include "codes/code_id.hpp"
#include "codes/code_metrics.hpp"
#include "codes/message.hpp"

namespace latchkey::codes {
namespace {

constexpr int kDrawsMax = 5;
/// The default life of a message, which nothing needs to exceed.
constexpr std::chrono::seconds kTimeToLiveMax{7 * 24 * 3600};

std::chrono::seconds message_time_to_live(const LifetimeRules& rules) {
  const auto code = std::chrono::ceil<std::chrono::seconds>(rules.lifetime + rules.spread());
  return std::min(code + kMessageMargin, kTimeToLiveMax);
}

/// A neighbour's failure as the issuer's own: what to do about it stands in the cause.
tl::unexpected<Error> unavailable(const char* code, std::string_view what, Error cause) {
  cause.kind = ErrorKind::unavailable;
  cause.code = code;
  cause.message = std::string(what) + cause.message;
  cause.http_status = 0;
  return fail(std::move(cause));
}

}  // namespace

Issuer::Issuer(Dependencies dependencies, IssuerOptions options)
    : with_(dependencies), options_(options) {
  LK_ASSERT(options_.rules.lifetime >= kLifetimeMin);
}

Task<Result<IssuedCode>> Issuer::issue(IssueRequest request) {
  const SteadyTime begun = with_.clock.steady_now();
  auto issued = co_await make_and_announce(request);
  ended(issued, begun);
  co_return issued;
}

Task<Result<IssuedCode>> Issuer::make_and_announce(const IssueRequest& request) {
  auto issued = co_await make_pending(request);
  if (!issued) co_return fail(std::move(issued.error()));
  auto announced = co_await announce(*issued, request);
  if (!announced) co_return fail(std::move(announced.error()));
  co_return issued;
}

Task<Result<IssuedCode>> Issuer::issue_unannounced(IssueRequest request) {
  const SteadyTime begun = with_.clock.steady_now();
  auto issued = co_await make_pending(request);
  ended(issued, begun);
  co_return issued;
}

void Issuer::ended(const Result<IssuedCode>& issued, SteadyTime begun) {
  if (with_.metrics == nullptr) return;
  const Error* error = issued ? nullptr : &issued.error();
  with_.metrics->issue_ended(error, with_.clock.steady_now() - begun);
}

Task<Result<IssuedCode>> Issuer::make_pending(const IssueRequest& request) {
  // First: a caller who may not have a code costs the third party nothing.
  const auto allowed = with_.callers.take(request.caller);
  if (!allowed.allowed) co_return limited(allowed.retry_after, request, "caller");
  auto number = co_await with_.number_api.get_number(request.trace);
  if (!number) co_return fail(std::move(number.error()));
  co_return co_await insert_new(*number, request);
}

Task<Result<IssuedCode>> Issuer::insert_new(std::int64_t number, const IssueRequest& request) {
  using Outcome = CodeTable::InsertAnswer::Outcome;
  const auto lifetime = request.lifetime.value_or(options_.rules.lifetime);
  LK_ASSERT(lifetime >= kLifetimeMin && lifetime <= options_.rules.lifetime);
  for (int draw = 0; draw < kDrawsMax; ++draw) {
    const UtcTime now = with_.clock.now();
    IssuedCode issued{.id = make_code_id(now, with_.random),
                      .code = make_code(number, with_.random),
                      .issued = now,
                      .expires = now + lifetime};
    auto [key, key_id] = with_.hasher.hash_new(issued.code.reveal(), now);
    CodeRow row{.key = key,
                .key_id = std::move(key_id),
                .id = issued.id,
                .issued = issued.issued,
                .expires = issued.expires,
                .binding = request.binding};
    auto inserted = co_await with_.table.insert(std::move(row), options_.limits, request.trace);
    if (!inserted) {
      co_return unavailable("TableUnavailable",
                            "the code could not be noted: ", std::move(inserted.error()));
    }
    if (inserted->outcome == Outcome::throttled) {
      co_return limited(inserted->retry_after, request, "subject");
    }
    if (inserted->outcome == Outcome::exists) continue;
    record(AuditEventKind::code_issued, issued.id, request, {});
    for (const CodeFacts& older : inserted->superseded) {
      record(AuditEventKind::code_revoked, older.id, request, "superseded");
    }
    if (!request.binding.subject.empty()) {
      issued.quota = {.left = inserted->issues_left, .reset = inserted->retry_after};
    }
    co_return issued;
  }
  // One draw in 2 * 10^10 collides: five in a row are a table that lies or a broken generator.
  co_return fail(ErrorKind::unavailable, "TableUnavailable",
                 "the code table says of five random codes in a row that they exist");
}

Task<Result<>> Issuer::announce(const IssuedCode& issued, const IssueRequest& request) {
  std::string text = render_message({issued.code, issued.issued});
  if (options_.message_base64) text = to_base64(text);
  azure::PutOptions options;
  options.time_to_live = message_time_to_live(options_.rules);
  options.trace = request.trace;
  const auto row = with_.hasher.hash_new(issued.code.reveal(), issued.issued);
  auto put = co_await with_.queues.put(row.key, std::move(text), options);
  if (put) co_return Result<>{};

  // The message may be in the queue all the same (a timeout): revoked, it can do nothing.
  auto revoked = co_await with_.table.revoke_id(issued.id, request.trace);
  if (!revoked) {
    log::warning("code_not_revoked", {{"problem", revoked.error().message},
                                      {"trace_id", trace_id_text(request.trace)}});
  } else if (revoked->revoked) {
    record(AuditEventKind::code_revoked, issued.id, request, "queue_failed");
  }
  co_return unavailable("QueueUnavailable",
                        "the code could not be queued: ", std::move(put.error()));
}

tl::unexpected<Error> Issuer::limited(std::chrono::seconds retry_after, const IssueRequest& request,
                                      std::string_view whose) {
  record(AuditEventKind::issue_refused, {}, request, whose);
  return fail(Error{.kind = ErrorKind::throttled,
                    .code = "IssueLimit",
                    .message = fmt::format("this {} has been given as many codes as the limit "
                                           "allows; ask again in {} s",
                                           whose, retry_after.count()),
                    .retry_after = retry_after,
                    .request_id = {},
                    .http_status = 0});
}

void Issuer::record(AuditEventKind kind, std::string_view id, const IssueRequest& request,
                    std::string_view reason) {
  with_.audit.record({.kind = kind,
                      .code_id = id,
                      .subject = request.binding.subject,
                      .purpose = request.binding.purpose,
                      .caller = request.caller,
                      .reason = reason});
}

}  // namespace latchkey::codes
