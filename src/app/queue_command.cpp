#include <fmt/format.h>

#include <boost/json.hpp>

#include "app/azure_access.hpp"
#include "app/command_world.hpp"
#include "app/commands.hpp"
#include "app/names.hpp"
#include "app/running_cloud.hpp"
#include "azure/queue_client.hpp"
#include "base/time_text.hpp"

/// `latchkey queue ...`: looks into a queue and manages it, as `az storage message` does.
namespace latchkey::app {
namespace {

namespace json = boost::json;

/// Where the queue is and how we may enter: the environment's connection string or URL, unless
/// --data names a local cloud, whose operator we are then.
class QueueAccess {
 public:
  static Result<std::unique_ptr<QueueAccess>> open(const CommonOptions& common,
                                                   const std::string& queue, World world);
  azure::QueueClient& queue() { return *queue_; }

 private:
  QueueAccess() = default;
  Result<azure::QueueAddress> address(const Environment& environment, const std::string& queue,
                                      World world);
  std::unique_ptr<http::PooledClient> http_;
  std::unique_ptr<azure::TokenCredential> credential_;
  std::unique_ptr<azure::QueueClient> queue_;
};

Result<azure::QueueAddress> QueueAccess::address(const Environment& environment,
                                                 const std::string& queue, World world) {
  if (const auto& text = environment.get("AZURE_STORAGE_CONNECTION_STRING"); !text.empty()) {
    return azure::queue_address_from_connection_string(text, queue);
  }
  credential_ = azure::make_default_credential(read_credential_settings(environment), *http_,
                                               world.clock, world.executor);
  auto address =
      azure::queue_address_from_url(environment.get("STORAGE_QUEUE_URL"), credential_.get());
  if (!address) return address;
  auto& path = address->url.path;
  path = path.substr(0, path.rfind('/') + 1) + queue;
  return address;
}

Result<std::unique_ptr<QueueAccess>> QueueAccess::open(const CommonOptions& common,
                                                       const std::string& queue, World world) {
  const auto& own = common.environment;
  const bool by_environment =
      !common.data_given && (!own.get("AZURE_STORAGE_CONNECTION_STRING").empty() ||
                             !own.get("STORAGE_QUEUE_URL").empty());
  Environment environment = own;
  std::string authority;
  if (!by_environment) {
    auto running = read_running_cloud(common.data);
    if (!running) return fail(running.error());
    auto local = environment_for(*running, kOperatorIdentity);
    if (!local) return fail(local.error());
    environment = std::move(*local);
    environment.set("AZURE_STORAGE_CONNECTION_STRING", "");  // By token and role, as anybody else.
    auto pem = read_file(running->authority_file());
    if (!pem) return fail(pem.error());
    authority = std::move(*pem);
  }
  std::unique_ptr<QueueAccess> access(new QueueAccess);
  auto trust = http::TlsClientContext::system_trust(authority);
  if (!trust) return fail(trust.error());
  access->http_ =
      std::make_unique<http::PooledClient>(world.executor, std::move(*trust), world.clock);
  auto address = access->address(environment, queue, world);
  if (!address) return fail(address.error());
  access->queue_ = std::make_unique<azure::QueueClient>(std::move(*address), *access->http_,
                                                        world.clock, world.random);
  return access;
}

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
  fmt::print("{:<36}  {:<29}  {:>5}  TEXT\n", "ID", "INSERTED", "TAKEN");
  for (const auto& message : messages) {
    fmt::print("{:<36}  {:<29}  {:>5}  {}\n", message.id, to_rfc1123(message.insertion_time),
               message.dequeue_count, message.text);
  }
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
    get.visibility_timeout = std::chrono::seconds{options.visibility_seconds};
    messages = co_await queue.get(get);
  }
  if (!messages) co_return report(messages.error());
  print_messages(*messages, options.json);
  co_return 0;
}

Task<int> put_message(azure::QueueClient& queue, const QueueOptions& options) {
  auto put = co_await queue.put(options.text);
  if (!put) co_return report(put.error());
  put->text = options.text;
  print_messages({*put}, options.json);
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
  auto access = QueueAccess::open(common, options.queue, world);
  if (!access) co_return report(access.error());
  auto& queue = (*access)->queue();
  int exit_code = 0;
  if (options.action == "stats") {
    exit_code = co_await show_stats(queue, options.json);
  } else if (options.action == "peek" || options.action == "get") {
    exit_code = co_await take_messages(queue, options);
  } else if (options.action == "put") {
    exit_code = co_await put_message(queue, options);
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
