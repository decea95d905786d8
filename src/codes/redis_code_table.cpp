#include "codes/redis_code_table.hpp"

#include <algorithm>
#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "codes/rules.hpp"

namespace latchkey::codes {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using SharedConnection = std::shared_ptr<RedisConnection>;
using Arguments = std::vector<std::string>;

/// Redis forgets by itself what nobody has swept, so much later than it may be forgotten: well
/// after the sweep, which tells the audit, and only after the last message that could bring a code
/// back is gone.
constexpr milliseconds kKeptLonger = 2 * kMessageMargin + kClocksApartMax + kRepeatWindow;
/// Failures in a row count together when no more than this lies between two of them.
constexpr std::chrono::hours kFailuresKept{24};

std::string to_text(UtcTime time) {
  return std::to_string(time.time_since_epoch().count());
}
template <class Rep, class Period>
std::string micros(std::chrono::duration<Rep, Period> time) {
  return std::to_string(duration_cast<microseconds>(time).count());
}
template <class Rep, class Period>
std::string millis(std::chrono::duration<Rep, Period> time) {
  return std::to_string(duration_cast<milliseconds>(time).count());
}
void add_keys(Arguments& arguments, const CodeKeys& keys) {
  for (const Sha256& key : keys) arguments.push_back(to_hex(key));
}

tl::unexpected<Error> misunderstood() {
  return fail(ErrorKind::storage, "TableAnswer",
              "code table: Redis answered what no script of ours answers");
}

std::optional<std::int64_t> number_in(const RedisReply& reply) {
  return parse_integer<std::int64_t>(reply.text);
}
std::optional<UtcTime> time_in(const RedisReply& reply) {
  const auto number = number_in(reply);
  if (!number) return std::nullopt;
  return UtcTime{microseconds{*number}};
}
std::optional<CodeState> state_in(const RedisReply& reply) {
  const auto number = number_in(reply);
  if (!number || *number < 0 || *number > 3) return std::nullopt;
  return static_cast<CodeState>(*number);
}

/// {id, subject, purpose, expires, state}
std::optional<CodeFacts> facts_in(const RedisReply& reply) {
  const auto& items = reply.items;
  if (items.size() != 5) return std::nullopt;
  const auto expires = time_in(items[3]);
  const auto state = state_in(items[4]);
  if (!expires || !state) return std::nullopt;
  return CodeFacts{.id = items[0].text,
                   .binding = {items[1].text, items[2].text},
                   .expires = *expires,
                   .state = *state};
}

/// The items of `reply` from `first` on.
Result<std::vector<CodeFacts>> all_facts_in(const RedisReply& reply, std::size_t first = 0) {
  std::vector<CodeFacts> all;
  for (std::size_t i = first; i < reply.items.size(); ++i) {
    auto facts = facts_in(reply.items[i]);
    if (!facts) return misunderstood();
    all.push_back(std::move(*facts));
  }
  return all;
}

/// As `whole` of redis_scripts.cpp gives it.
Result<std::optional<CodeRow>> row_in(const RedisReply& reply) {
  const auto& items = reply.items;
  if (items.empty()) return std::nullopt;
  if (items.size() != 11) return misunderstood();
  const auto key = from_hex(items[0].text);
  const auto issued = time_in(items[3]);
  const auto expires = time_in(items[4]);
  const auto state = state_in(items[5]);
  const auto attempts = number_in(items[8]);
  const auto used_at = time_in(items[9]);
  CodeRow row;
  if (!key || key->size() != row.key.size() || !issued || !expires || !state || !attempts ||
      !used_at) {
    return misunderstood();
  }
  std::copy(key->begin(), key->end(), row.key.begin());
  row.key_id = items[1].text;
  row.id = items[2].text;
  row.issued = *issued;
  row.expires = *expires;
  row.state = *state;
  row.binding = {items[6].text, items[7].text};
  row.attempts = *attempts;
  row.used_at = *used_at;
  row.used_by = items[10].text;
  return row;
}

class RedisCodeTable final : public CodeTable {
 public:
  explicit RedisCodeTable(SharedConnection redis) : redis_(std::move(redis)) {}

  Task<Result<InsertAnswer>> insert(CodeRow row, Limits limits, Trace) override;
  Task<Result<Activation>> activate(CodeKeys keys, UtcTime now, Trace) override;
  Task<Result<Revocation>> revoke_id(std::string id, Trace) override;
  Task<Result<std::vector<CodeFacts>>> revoke_subject(std::string subject,
                                                      std::optional<std::string> purpose,
                                                      UtcTime now, Trace) override;
  Task<Result<AttemptAnswer>> attempt(AttemptRequest request) override;
  Task<Result<std::optional<CodeRow>>> find(CodeKeys keys) override;
  Task<Result<std::optional<CodeRow>>> find_id(std::string id, Trace) override;
  Task<Result<std::optional<CodeFacts>>> remove(CodeKeys keys, UtcTime expired_by, Trace) override;
  Task<Result<std::vector<CodeFacts>>> remove_expired(UtcTime expired_by,
                                                      std::int64_t limit) override;

 private:
  SharedConnection redis_;
};

Arguments insert_arguments(const CodeRow& row, const Limits& limits) {
  const auto life = std::max(row.expires - row.issued, microseconds::zero());
  return {to_hex(row.key),
          row.id,
          row.key_id,
          to_text(row.issued),
          to_text(row.expires),
          std::to_string(static_cast<int>(row.state)),
          row.binding.subject,
          row.binding.purpose,
          to_text(row.used_at),
          row.used_by,
          std::to_string(row.attempts),
          millis(life + kKeptLonger),
          to_hex(issue_key(row.binding.subject)),
          std::to_string(limits.issues_max),
          micros(limits.issues_window),
          limits.newest_only ? "1" : "0",
          micros(kClocksApartMax),
          millis(limits.issues_window + kClocksApartMax),
          to_text(row.issued - kKeptLonger)};
}

Task<Result<CodeTable::InsertAnswer>> RedisCodeTable::insert(CodeRow row, Limits limits, Trace) {
  using Outcome = InsertAnswer::Outcome;
  Arguments arguments = insert_arguments(row, limits);
  auto reply = co_await redis_->run(redis_scripts().insert, std::move(arguments));
  if (!reply) co_return fail(std::move(reply.error()));
  const auto& items = reply->items;
  if (items.empty()) co_return misunderstood();
  if (items[0].text == "exists") co_return InsertAnswer{.outcome = Outcome::exists};
  if (items.size() < 2) co_return misunderstood();
  const auto number = number_in(items[1]);
  if (!number) co_return misunderstood();
  if (items[0].text == "throttled") {
    const auto wait = std::chrono::ceil<std::chrono::seconds>(microseconds{*number});
    co_return InsertAnswer{.outcome = Outcome::throttled, .retry_after = wait};
  }
  if (row.binding.subject.empty()) co_return InsertAnswer{};
  auto superseded = all_facts_in(*reply, 2);
  if (!superseded) co_return fail(std::move(superseded.error()));
  co_return InsertAnswer{.retry_after = limits.issues_window,
                         .issues_left = limits.issues_max - *number - 1,
                         .superseded = std::move(*superseded)};
}

Task<Result<CodeTable::Activation>> RedisCodeTable::activate(CodeKeys keys, UtcTime now, Trace) {
  using Standing = Activation::Standing;
  Arguments arguments{to_text(now)};
  add_keys(arguments, keys);
  auto reply = co_await redis_->run(redis_scripts().activate, std::move(arguments));
  if (!reply) co_return fail(std::move(reply.error()));
  const auto& items = reply->items;
  if (items.size() == 1 && items[0].text == "unissued") co_return Activation{};
  auto facts = items.size() == 2 ? facts_in(items[1]) : std::nullopt;
  if (!facts) co_return misunderstood();
  const bool activated = items[0].text == "activated";
  co_return Activation{activated ? Standing::activated : Standing::known, std::move(*facts)};
}

Task<Result<CodeTable::Revocation>> RedisCodeTable::revoke_id(std::string id, Trace) {
  Arguments arguments{std::move(id)};
  auto reply = co_await redis_->run(redis_scripts().revoke_id, std::move(arguments));
  if (!reply) co_return fail(std::move(reply.error()));
  const auto& items = reply->items;
  if (items.empty()) co_return Revocation{};
  auto facts = items.size() == 2 ? facts_in(items[1]) : std::nullopt;
  if (!facts) co_return misunderstood();
  co_return Revocation{.revoked = items[0].text == "1", .facts = std::move(facts)};
}

Task<Result<std::vector<CodeFacts>>> RedisCodeTable::revoke_subject(
    std::string subject, std::optional<std::string> purpose, UtcTime now, Trace) {
  Arguments arguments{std::move(subject), to_text(now - kClocksApartMax)};
  if (purpose) arguments.push_back(std::move(*purpose));
  auto reply = co_await redis_->run(redis_scripts().revoke_subject, std::move(arguments));
  if (!reply) co_return fail(std::move(reply.error()));
  co_return all_facts_in(*reply);
}

Arguments attempt_arguments(const CodeTable::AttemptRequest& request) {
  const Limits& limits = request.limits;
  Arguments arguments{to_text(request.now),
                      request.binding.subject,
                      request.binding.purpose,
                      to_hex(request.counted),
                      request.used_by,
                      std::to_string(limits.attempts_per_code),
                      std::to_string(limits.failures_max),
                      micros(limits.delay_min),
                      micros(limits.delay_max),
                      micros(kRepeatWindow),
                      micros(kFailuresKept),
                      millis(kClocksApartMax)};
  add_keys(arguments, request.keys);
  return arguments;
}

std::optional<CodeTable::Attempted> outcome_in(const RedisReply& reply) {
  using Attempted = CodeTable::Attempted;
  if (reply.text == "yes") return Attempted::yes;
  if (reply.text == "not_active_yet") return Attempted::not_active_yet;
  if (reply.text == "refused") return Attempted::refused;
  if (reply.text == "throttled") return Attempted::throttled;
  return std::nullopt;
}

Task<Result<CodeTable::AttemptAnswer>> RedisCodeTable::attempt(AttemptRequest request) {
  Arguments arguments = attempt_arguments(request);
  auto reply = co_await redis_->run(redis_scripts().attempt, std::move(arguments));
  if (!reply) co_return fail(std::move(reply.error()));
  const auto& items = reply->items;
  if (items.size() < 6) co_return misunderstood();
  const auto outcome = outcome_in(items[0]);
  const auto expires = time_in(items[3]);
  const auto failures = number_in(items[4]);
  const auto wait = number_in(items[5]);
  auto exhausted = all_facts_in(*reply, 6);
  if (!outcome || !expires || !failures || !wait || !exhausted) co_return misunderstood();
  co_return AttemptAnswer{
      .outcome = *outcome,
      .expires = *expires,
      .retry_after = std::chrono::ceil<std::chrono::seconds>(microseconds{*wait}),
      .failures_left = std::max<std::int64_t>(request.limits.failures_max - *failures, 0),
      .id = items[2].text,
      .reason = items[1].text,
      .exhausted = std::move(*exhausted)};
}

Task<Result<std::optional<CodeRow>>> RedisCodeTable::find(CodeKeys keys) {
  Arguments arguments;
  add_keys(arguments, keys);
  auto reply = co_await redis_->run(redis_scripts().find, std::move(arguments));
  if (!reply) co_return fail(std::move(reply.error()));
  co_return row_in(*reply);
}

Task<Result<std::optional<CodeRow>>> RedisCodeTable::find_id(std::string id, Trace) {
  Arguments arguments{std::move(id)};
  auto reply = co_await redis_->run(redis_scripts().find_id, std::move(arguments));
  if (!reply) co_return fail(std::move(reply.error()));
  co_return row_in(*reply);
}

Task<Result<std::optional<CodeFacts>>> RedisCodeTable::remove(CodeKeys keys, UtcTime expired_by,
                                                              Trace) {
  Arguments arguments{to_text(expired_by)};
  add_keys(arguments, keys);
  auto reply = co_await redis_->run(redis_scripts().remove, std::move(arguments));
  if (!reply) co_return fail(std::move(reply.error()));
  if (reply->items.empty()) co_return std::nullopt;
  auto facts = facts_in(*reply);
  if (!facts) co_return misunderstood();
  co_return facts;
}

Task<Result<std::vector<CodeFacts>>> RedisCodeTable::remove_expired(UtcTime expired_by,
                                                                    std::int64_t limit) {
  // Redis takes a negative limit for none.
  Arguments arguments{to_text(expired_by), std::to_string(std::max<std::int64_t>(limit, 0))};
  auto reply = co_await redis_->run(redis_scripts().remove_expired, std::move(arguments));
  if (!reply) co_return fail(std::move(reply.error()));
  co_return all_facts_in(*reply);
}

class RedisAnswerTable final : public AnswerTable {
 public:
  explicit RedisAnswerTable(SharedConnection redis) : redis_(std::move(redis)) {}

  Task<Result<Begun>> begin(Sha256 key, Sha256 fingerprint, UtcTime now,
                            std::chrono::seconds lease) override {
    using Outcome = Begun::Outcome;
    Arguments arguments{to_hex(key), to_hex(fingerprint), to_text(now), micros(lease),
                        millis(lease + kClocksApartMax)};
    auto reply = co_await redis_->run(redis_scripts().begin_answer, std::move(arguments));
    if (!reply) co_return fail(std::move(reply.error()));
    auto& items = reply->items;
    if (items.empty()) co_return misunderstood();
    if (items[0].text == "started") co_return Begun{};
    if (items[0].text == "in_progress") co_return Begun{.outcome = Outcome::in_progress};
    if (items[0].text == "other_request") co_return Begun{.outcome = Outcome::other_request};
    if (items.size() != 2) co_return misunderstood();
    co_return Begun{.outcome = Outcome::answered, .sealed = std::move(items[1].text)};
  }
  Task<Result<>> keep(Sha256 key, std::string sealed, UtcTime until) override {
    return run(redis_, redis_scripts().keep_answer,
               {to_hex(key), std::move(sealed), to_text(until), millis(kClocksApartMax)});
  }
  Task<Result<>> drop(Sha256 key) override {
    return run(redis_, redis_scripts().drop_answer, {to_hex(key)});
  }
  /// Redis forgets them by itself.
  Task<Result<>> remove_expired(UtcTime) override { co_return Result<>{}; }

 private:
  static Task<Result<>> run(SharedConnection redis, const RedisScript& script,
                            Arguments arguments) {
    auto reply = co_await redis->run(script, std::move(arguments));
    if (!reply) co_return fail(std::move(reply.error()));
    co_return Result<>{};
  }
  SharedConnection redis_;
};

}  // namespace

CodeTables open_redis_tables(RedisAddress address, RedisLoginSource login, RedisWorld world) {
  const auto redis =
      std::make_shared<RedisConnection>(std::move(address), std::move(login), std::move(world));
  return {.codes = std::make_unique<RedisCodeTable>(redis),
          .answers = std::make_unique<RedisAnswerTable>(redis)};
}

}  // namespace latchkey::codes
