#include "codes/testing/fake_queues.hpp"

#include <algorithm>
#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"

namespace latchkey::codes::testing {
namespace {
using std::chrono::seconds;

std::optional<seconds> seconds_in(const http::Query& query, std::string_view key) {
  const auto* value = http::find_parameter(query, key);
  if (value == nullptr) return std::nullopt;
  return seconds{parse_integer<std::int64_t>(*value).value()};
}

wire::QueueMessage on_the_wire(const FakeQueues::Message& message) {
  return {.id = message.id,
          .insertion_time = message.inserted,
          .expiration_time = message.expires,
          .pop_receipt = message.receipt,
          .time_next_visible = message.visible,
          .dequeue_count = message.dequeue_count,
          .text = message.text};
}

}  // namespace

http::Response storage_refusal(int status, std::string_view code) {
  http::Response response;
  response.status = status;
  response.headers.add("x-ms-error-code", code);
  return response;
}

int FakeQueues::count(Step step) const {
  return static_cast<int>(
      std::count_if(calls.begin(), calls.end(), [=](const Call& c) { return c.step == step; }));
}

Task<Result<http::Response>> FakeQueues::send(http::ClientRequest request) {
  const auto path = split(request.url.path, '/');  // "", queue, "messages", id
  const auto query = http::parse_query(request.url.query).value();
  Call call;
  call.queue = std::string(path[1]);
  call.visibility = seconds_in(query, "visibilitytimeout");
  call.time_to_live = seconds_in(query, "messagettl");
  if (path.size() > 3) call.message_id = percent_decode(path[3]).value();
  if (request.method == http::Method::post) call.step = Step::put;
  if (request.method == http::Method::delete_) call.step = Step::remove;
  if (http::find_parameter(query, "comp") != nullptr) call.step = Step::properties;
  if (request.method == http::Method::put) {
    call.step = path.size() > 3 ? Step::update : Step::create;
  }
  if (!request.body.empty()) call.text = wire::parse_message_request(request.body).value();
  const auto* receipt = http::find_parameter(query, "popreceipt");
  const auto* count = http::find_parameter(query, "numofmessages");
  calls.push_back(call);
  if (refuse) {
    if (auto refusal = refuse(call)) co_return *refusal;
  }
  auto response = carry_out(call, receipt == nullptr ? "" : *receipt,
                            count == nullptr ? 1 : parse_integer<int>(*count).value());
  if (lose_answer && lose_answer(call)) {
    co_return fail(ErrorKind::timeout, "ResponseTimeout", "no answer came");
  }
  co_return response;
}

FakeQueues::Message& FakeQueues::add(const std::string& queue, std::string text) {
  Message message;
  message.id = random_.uuid();
  message.receipt = random_.hex(8);
  message.text = std::move(text);
  message.inserted = std::chrono::floor<seconds>(clock_.now());
  message.visible = clock_.now();
  message.expires = message.inserted + std::chrono::days{7};
  return queues_[queue].emplace_back(std::move(message));
}

http::Response FakeQueues::carry_out(const Call& call, const std::string& receipt, int count) {
  if (call.step == Step::create) {
    queues_[call.queue];
    http::Response created;
    created.status = 201;
    return created;
  }
  if (!queues_.contains(call.queue)) return storage_refusal(404, "QueueNotFound");
  drop_dead(queues_[call.queue]);
  if (call.step == Step::properties) {
    http::Response found;
    found.headers.add("x-ms-approximate-messages-count",
                      std::to_string(queues_[call.queue].size()));
    return found;
  }
  if (call.step == Step::put) return put(call);
  if (call.step == Step::get) return get(call, count);
  return change(call, receipt);
}

http::Response FakeQueues::put(const Call& call) {
  Message& message = add(call.queue, call.text);
  message.visible += call.visibility.value_or(seconds{0});
  if (call.time_to_live) message.expires = message.inserted + *call.time_to_live;
  http::Response response;
  response.status = 201;
  response.body = wire::render_messages(wire::MessageAnswer::put, {on_the_wire(message)});
  return response;
}

http::Response FakeQueues::get(const Call& call, int count) {
  std::vector<wire::QueueMessage> taken;
  for (Message& message : queues_[call.queue]) {
    if (static_cast<int>(taken.size()) == count) break;
    if (message.visible > clock_.now()) continue;
    message.visible = clock_.now() + call.visibility.value();
    message.receipt = random_.hex(8);
    ++message.dequeue_count;
    taken.push_back(on_the_wire(message));
  }
  http::Response response;
  response.body = wire::render_messages(wire::MessageAnswer::get, taken);
  return response;
}

http::Response FakeQueues::change(const Call& call, const std::string& receipt) {
  auto& queue = queues_[call.queue];
  const auto found = std::find_if(queue.begin(), queue.end(),
                                  [&](const Message& m) { return m.id == call.message_id; });
  if (found == queue.end() || found->receipt != receipt) {
    return storage_refusal(404, "MessageNotFound");
  }
  http::Response response;
  response.status = 204;
  if (call.step == Step::remove) {
    queue.erase(found);
    return response;
  }
  found->visible = clock_.now() + call.visibility.value();
  found->receipt = random_.hex(8);
  response.headers.add("x-ms-popreceipt", found->receipt);
  response.headers.add("x-ms-time-next-visible", to_rfc1123(found->visible));
  return response;
}

void FakeQueues::drop_dead(std::vector<Message>& queue) {
  std::erase_if(queue, [&](const Message& m) { return m.expires <= clock_.now(); });
}

}  // namespace latchkey::codes::testing
