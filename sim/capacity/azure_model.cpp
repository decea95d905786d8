#include "sim/capacity/azure_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "base/assert.hpp"
#include "base/testing/await.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "codes/sqlite_code_rows.hpp"

namespace latchkey::sim::capacity {
namespace {

using codes::CodeFacts;
using codes::CodeKeys;
using codes::CodeRow;

std::string queue_name(int number) {
  return fmt::format("codes-{:03}", number);
}

Task<> pass(Machine& machine, Timeline& timeline, Micros time) {
  std::function<void(Reply<std::monostate>)> ask = [&timeline, time](Reply<std::monostate> reply) {
    timeline.after(time, [reply] { reply({}); });
  };
  co_await machine.wait<std::monostate>(std::move(ask));
}

sqlite::Database empty_rows() {
  auto rows = sqlite::Database::open({});
  LK_ASSERT(rows.has_value());
  LK_ASSERT(codes::rows::prepare_file(*rows, "memory").has_value());
  return std::move(*rows);
}

}  // namespace

bool Bucket::take(double count, UtcTime now) {
  const auto passed = std::chrono::duration<double>(now - filled_).count();
  filled_ = now;
  held_ = std::min(held_ + passed * rate_, rate_ / 10);
  if (held_ < count) return false;
  held_ -= count;
  return true;
}

Counts Counts::since(const Counts& before) const {
  return {puts - before.puts,
          gets - before.gets,
          updates - before.updates,
          deletes - before.deletes,
          numbers - before.numbers,
          table - before.table,
          throttled - before.throttled,
          issued - before.issued,
          accepted - before.accepted,
          activated - before.activated,
          lag_seconds - before.lag_seconds};
}

AzureModel::AzureModel(const Facts& facts, int queues, double account_share, double table_rate)
    : facts_(facts),
      queues_count_(queues),
      account_(facts.limits.messages_per_account * account_share),
      table_(table_rate),
      rows_(empty_rows()) {
  for (int i = 0; i < queues; ++i) {
    queues_.messages(queue_name(i));
    per_queue_.emplace(queue_name(i), Bucket(facts.limits.messages_per_queue));
  }
}

std::vector<azure::QueueAddress> AzureModel::addresses() const {
  std::vector<azure::QueueAddress> made;
  for (int i = 0; i < queues_count_; ++i) {
    const auto url = "https://store.queue.core.windows.net/" + queue_name(i) + "?sv=x&sig=y";
    made.push_back(azure::queue_address_from_url(url, nullptr).value());
  }
  return made;
}

void AzureModel::count(http::Method method) {
  if (method == http::Method::post) ++counts.puts;
  if (method == http::Method::get) ++counts.gets;
  if (method == http::Method::put) ++counts.updates;
  if (method == http::Method::delete_) ++counts.deletes;
}

Result<http::Response> AzureModel::answer(const http::ClientRequest& request) {
  if (request.url.host == "numbers.example") {
    ++counts.numbers;
    return http::json_response(200, R"({"value":161})");
  }
  count(request.method);
  const auto path = split(request.url.path, '/');  // "", queue, "messages", id
  const UtcTime now = clock.now();
  Bucket& queue = per_queue_.at(std::string(path[1]));
  if (!queue.take(1, now) || !account_.take(1, now)) {
    ++counts.throttled;
    return codes::testing::storage_refusal(503, "ServerBusy");
  }
  IoContext at_the_queue;
  auto answer = testing::await(at_the_queue, queues_.send(request));
  queues_.calls.clear();
  if (!answer) return answer;
  if (request.method == http::Method::get) {
    const auto given = static_cast<double>(wire::parse_messages(answer->body).value().size());
    queue.owe(std::max(0.0, given - 1));
    account_.owe(std::max(0.0, given - 1));
  }
  answer->headers.add("Date", to_rfc1123(now));
  return answer;
}

bool AzureModel::table_takes(int requests) {
  counts.table += requests;
  if (table_.take(requests, clock.now())) return true;
  ++counts.throttled;
  return false;
}

Micros AzureModel::some_time(double mean_ms) {
  return Micros{static_cast<Micros::rep>(mean_ms * 1000 * (0.5 + random.unit()))};
}

Task<Result<http::Response>> ModelEdge::send(http::ClientRequest request) {
  const Latency& latency = model_.facts().latency;
  const bool number = request.url.host == "numbers.example";
  const double half_ms = (number ? latency.number_ms : latency.queue_ms) / 2;
  using Answer = Result<http::Response>;
  std::function<void(Reply<Answer>)> ask = [this, half_ms,
                                            request = std::move(request)](Reply<Answer> reply) {
    AzureModel* model = &model_;
    model->timeline.after(model->some_time(half_ms), [model, half_ms, request, reply] {
      auto answer = model->answer(request);
      model->timeline.after(model->some_time(half_ms), [reply, answer] { reply(answer); });
    });
  };
  co_return co_await machine_.wait<Answer>(std::move(ask));
}

Task<> ModelTable::ask(int requests) {
  for (int i = 0; i < requests; ++i) {
    while (!model_.table_takes(1)) {
      const Micros back_off = model_.some_time(200);
      co_await pass(machine_, model_.timeline, back_off);
    }
    const Micros time = model_.some_time(model_.facts().latency.table_ms);
    co_await pass(machine_, model_.timeline, time);
  }
}

Task<Result<codes::CodeTable::InsertAnswer>> ModelTable::insert(CodeRow row, codes::Limits limits,
                                                                Trace) {
  co_await ask(model_.facts().steps.table_insert);
  ++model_.counts.issued;
  co_return codes::rows::insert(model_.rows(), row, limits);
}

Task<Result<codes::CodeTable::Activation>> ModelTable::activate(CodeKeys keys, UtcTime now, Trace) {
  co_await ask(model_.facts().steps.table_activate);
  auto activation = codes::rows::activate(model_.rows(), keys, now);
  if (activation && activation->standing == Activation::Standing::activated) {
    ++model_.counts.activated;
    auto row = codes::rows::find(model_.rows(), keys);
    LK_ASSERT(row && *row);
    const auto lag = model_.clock.now() - (*row)->issued;
    model_.counts.lag_seconds += std::chrono::duration<double>(lag).count();
  }
  co_return activation;
}

Task<Result<codes::CodeTable::AttemptAnswer>> ModelTable::attempt(AttemptRequest request) {
  co_await ask(model_.facts().steps.table_attempt);
  auto answer = codes::rows::attempt(model_.rows(), request);
  if (answer && answer->outcome == Attempted::yes) ++model_.counts.accepted;
  co_return answer;
}

Task<Result<std::optional<CodeFacts>>> ModelTable::remove(CodeKeys keys, UtcTime expired_by,
                                                          Trace) {
  co_await ask(model_.facts().steps.table_remove);
  co_return codes::rows::remove(model_.rows(), keys, expired_by);
}

Task<Result<codes::CodeTable::Revocation>> ModelTable::revoke_id(std::string id, Trace) {
  co_return codes::rows::revoke_id(model_.rows(), id);
}

Task<Result<std::vector<CodeFacts>>> ModelTable::revoke_subject(std::string,
                                                                std::optional<std::string>, UtcTime,
                                                                Trace) {
  co_return std::vector<CodeFacts>{};
}

Task<Result<std::optional<CodeRow>>> ModelTable::find(CodeKeys keys) {
  co_return codes::rows::find(model_.rows(), keys);
}

Task<Result<std::optional<CodeRow>>> ModelTable::find_id(std::string, Trace) {
  co_return std::nullopt;
}

Task<Result<std::vector<CodeFacts>>> ModelTable::remove_expired(UtcTime, std::int64_t) {
  co_return std::vector<CodeFacts>{};
}

}  // namespace latchkey::sim::capacity
