#include <fmt/format.h>

#include <boost/json.hpp>
#include <iostream>
#include <iterator>

#include "app/command_world.hpp"
#include "app/commands.hpp"
#include "app/queue_access.hpp"
#include "base/time_text.hpp"

/// `latchkey queue ...`: looks into a queue and manages it, as `az storage message` does.
namespace latchkey::app {
namespace {

namespace json = boost::json;

json::object as_json(const wire::QueueMessage& message) {
  json::object row = {{"id", message.id},
                      {"insertionTime", to_iso8601(message.insertion_time)},
                      {"expirationTime", to_iso8601(message.expiration_time)},
                      {"dequeueCount", message.dequeue_count},
                      {"content", message.text}};
  if (!message.pop_receipt.empty()) {
    row["popReceipt"] = message.pop_receipt;
    row["timeNextVisible"] = to_iso8601(message.time_next_visible);
  }
  return row;
}

void print_messages(const std::vector<wire::QueueMessage>& messages, bool as_document) {
  if (as_document) {
    json::array rows;
    for (const auto& message : messages) rows.push_back(as_json(message));
    fmt::print("{}\n", json::serialize(rows));
    return;
  }
  // Who has taken a message needs its receipt; there is none of what was only looked at.
  const bool receipts = !messages.empty() && !messages.front().pop_receipt.empty();
  fmt::print("{:<36}  {:<29}  {:>5}  {}TEXT\n", "ID", "INSERTED", "TAKEN",
             receipts ? fmt::format("{:<24}  ", "POP RECEIPT") : "");
  for (const auto& message : messages) {
    fmt::print("{:<36}  {:<29}  {:>5}  {}{}\n", message.id, to_rfc1123(message.insertion_time),
               message.dequeue_count, receipts ? fmt::format("{:<24}  ", message.pop_receipt) : "",
               message.text);
  }
}

/// "-": standard input, for what should stand in no process list.
std::string text_of(const std::string& argument) {
  if (argument != "-") return argument;
  return {std::istreambuf_iterator<char>(std::cin), {}};
}

std::optional<std::chrono::seconds> seconds_of(const std::optional<int>& count) {
  if (!count) return std::nullopt;
  return std::chrono::seconds{*count};
}

Task<int> list_queues(azure::QueueClient& queue, const QueueOptions& options) {
  json::array names;
  std::string marker;
  do {
    auto page = co_await queue.list_queues(options.prefix, marker);
    if (!page) co_return report(page.error());
    for (const auto& found : page->queues) {
      if (options.json) {
        names.push_back({{"name", found.name}});
      } else {
        fmt::print("{}\n", found.name);
      }
    }
    marker = page->next_marker;
  } while (!marker.empty());
  if (options.json) fmt::print("{}\n", json::serialize(names));
  co_return 0;
}

Task<int> show_stats(azure::QueueClient& queue, bool as_document) {
  auto properties = co_await queue.properties();
  if (!properties) co_return report(properties.error());
  auto next = co_await queue.peek(1);
  if (!next) co_return report(next.error());
  if (as_document) {
    json::object row = {{"queue", queue.name()},
                        {"approximateMessageCount", properties->approximate_message_count},
                        {"visible", !next->empty()}};
    fmt::print("{}\n", json::serialize(row));
  } else {
    fmt::print("queue      {}\nmessages   {} (hidden ones included)\nvisible    {}\n", queue.name(),
               properties->approximate_message_count,
               next->empty() ? "none now" : "since " + to_rfc1123(next->front().insertion_time));
  }
  co_return 0;
}

Task<int> take_messages(azure::QueueClient& queue, const QueueOptions& options) {
  Result<std::vector<wire::QueueMessage>> messages;
  if (options.action == "peek") {
    messages = co_await queue.peek(options.count);
  } else {
    azure::GetOptions get;
    get.count = options.count;
    get.visibility_timeout =
        seconds_of(options.visibility_seconds).value_or(get.visibility_timeout);
    messages = co_await queue.get(get);
  }
  if (!messages) co_return report(messages.error());
  print_messages(*messages, options.json);
  co_return 0;
}

Task<int> put_message(azure::QueueClient& queue, const QueueOptions& options) {
  const std::string text = text_of(*options.text);
  const azure::PutOptions how{.visibility_timeout = seconds_of(options.visibility_seconds),
                              .time_to_live = seconds_of(options.time_to_live_seconds)};
  auto put = co_await queue.put(text, how);
  if (!put) co_return report(put.error());
  put->text = text;
  print_messages({*put}, options.json);
  co_return 0;
}

Task<int> update_message(azure::QueueClient& queue, const QueueOptions& options) {
  std::optional<std::string> text;
  if (options.text) text = text_of(*options.text);
  const auto hidden = seconds_of(options.visibility_seconds).value_or(std::chrono::seconds{0});
  auto done = co_await queue.update(options.id, options.pop_receipt, hidden, text);
  if (!done) co_return report(done.error());
  if (options.json) {
    const json::object row{{"id", options.id},
                           {"popReceipt", done->pop_receipt},
                           {"timeNextVisible", to_iso8601(done->time_next_visible)}};
    fmt::print("{}\n", json::serialize(row));
  } else {
    fmt::print("{}: visible {}\npop receipt {}\n", options.id, to_rfc1123(done->time_next_visible),
               done->pop_receipt);
  }
  co_return 0;
}

Task<int> remove_message(azure::QueueClient& queue, const QueueOptions& options) {
  auto done = co_await queue.remove_message(options.id, options.pop_receipt);
  if (!done) co_return report(done.error());
  fmt::print("{}: deleted\n", options.id);
  co_return 0;
}

Task<int> change_queue(azure::QueueClient& queue, const QueueOptions& options) {
  Result<> done;
  if (options.action == "clear") done = co_await queue.clear();
  if (options.action == "create") done = co_await queue.create();
  if (options.action == "delete") done = co_await queue.remove();
  if (!done) co_return report(done.error());
  fmt::print("{}: {}\n", queue.name(),
             options.action == "clear"    ? "cleared"
             : options.action == "create" ? "created"
                                          : "deleted");
  co_return 0;
}

Task<int> run_action(const CommonOptions& common, const QueueOptions& options, World world) {
  auto access = QueueAccess::open(common, options, world);
  if (!access) co_return report(access.error());
  auto& queue = (*access)->queue();
  int exit_code = 0;
  if (options.action == "stats") {
    exit_code = co_await show_stats(queue, options.json);
  } else if (options.action == "peek" || options.action == "get") {
    exit_code = co_await take_messages(queue, options);
  } else if (options.action == "put") {
    exit_code = co_await put_message(queue, options);
  } else if (options.action == "list") {
    exit_code = co_await list_queues(queue, options);
  } else if (options.action == "update") {
    exit_code = co_await update_message(queue, options);
  } else if (options.action == "remove") {
    exit_code = co_await remove_message(queue, options);
  } else {
    exit_code = co_await change_queue(queue, options);
  }
  co_return exit_code;
}

}  // namespace

int run_queue(const CommonOptions& common, const QueueOptions& options) {
  CommandWorld world;
  return world.run([&](World inside) { return run_action(common, options, inside); });
}

}  // namespace latchkey::app
