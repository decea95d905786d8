#include "cloud/functions/function_app_runner.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/assert.hpp"
#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace latchkey::cloud {
namespace {

http::PoolOptions pool_options() {
  http::PoolOptions options;
  options.connections_per_host_max = 256;
  options.idle_timeout = std::chrono::seconds{2};  // Node.js closes after 5.
  return options;
}

bool is_of_connection(std::string_view name) {
  static constexpr std::array<std::string_view, 6> kNames{
      "Connection", "Keep-Alive", "Upgrade", "Transfer-Encoding", "Content-Length", "Expect"};
  for (const auto other : kNames) {
    if (iequals(name, other)) return true;
  }
  return false;
}

http::Headers end_to_end(const http::Headers& headers) {
  http::Headers kept;
  for (const auto field : headers) {
    if (!is_of_connection(field.name)) kept.add(field.name, field.value);
  }
  return kept;
}

http::Response no_answer(const std::string& function, const Error& error) {
  log::error("function_failed", {{"function", function}, {"problem", error.message}});
  return http::text_response(error.code == "HandlerNotReady" ? 503 : 500,
                             fmt::format("Function {} failed: {}\n", function, error.message));
}

}  // namespace

FunctionAppRunner::FunctionAppRunner(FunctionApp app, World world, FunctionsHost& host)
    : app_(std::move(app)),
      world_(std::move(world)),
      host_(host),
      client_(world_.executor, http::TlsClientContext{}, world_.clock, pool_options()),
      handler_(app_, {.clock = world_.clock,
                      .random = world_.random,
                      .executor = world_.executor,
                      .client = client_}) {}

FunctionAppRunner::~FunctionAppRunner() = default;

void FunctionAppRunner::start() {
  const auto name = app_.folder.filename().string();
  for (const auto& warning : app_.warnings) {
    log::warning("function_app_setting", {{"app", name}, {"problem", warning}});
  }
  for (const auto& function : app_.functions) add(function);
  handler_.start();
  for (const auto& trigger : triggers_) trigger->start();
}

void FunctionAppRunner::add(const FunctionJson& function) {
  const auto connect = [this](const QueueBinding& binding) {
    auto connection = find_connection(binding.connection, app_.settings);
    LK_ASSERT(connection.has_value());  // Loading has tried it.
    auto& queues = queues_[binding.connection];
    if (!queues) {
      queues = std::make_unique<AppQueues>(std::move(*connection), world_.queues, world_.clock);
    }
  };
  for (const auto& binding : function.queue_outputs) connect(binding);
  FunctionDefinition definition;
  definition.name = function.name;
  definition.is_disabled = function.disabled;
  if (function.http) {
    definition.methods = function.http->methods;
    definition.level = function.http->level;
    definition.route = app_.host.route_prefix + "/" + function.http->route;
    const auto route =
        routes_.emplace(function.name, *FunctionRoute::parse(definition.route)).first;
    definition.handler = [this, &function, route](const http::Request& request) {
      return answer_http(function, route->second, request);
    };
  } else {
    definition.handler = [this, &function](const http::Request& request) {
      return run_by_hand(function, request);
    };
  }
  host_.add(std::move(definition));
  if (!function.queue || function.disabled) return;
  connect(*function.queue);
  triggers_.push_back(std::make_unique<QueueTrigger>(
      QueueTrigger::Options{
          .function = function.name, .queue = function.queue->queue, .settings = app_.host.queues},
      QueueTrigger::World{.clock = world_.clock,
                          .random = world_.random,
                          .executor = world_.executor,
                          .queues = *queues_.at(function.queue->connection)},
      [this, &function](const wire::QueueMessage& message) {
        return run_message(function, message);
      },
      [this] { return handler_.is_ready(); }));
}

Task<http::Response> FunctionAppRunner::answer_http(const FunctionJson& function,
                                                    const FunctionRoute& route,
                                                    const http::Request& request) {
  if (app_.host.forwards_http && function.is_plain_http()) {
    auto forwarded = co_await forward(request);
    if (!forwarded) co_return no_answer(function.name, forwarded.error());
    co_return std::move(*forwarded);
  }
  const auto parameters = route.match(request.path()).value_or(FunctionRoute::Parameters{});
  auto json = render_http_invocation(function, request, parameters);
  auto answer = co_await invoke(function, std::move(json));
  if (!answer) co_return no_answer(function.name, answer.error());
  co_return std::move(*answer);
}

/// The request as it came, and its answer as it is.
Task<Result<http::Response>> FunctionAppRunner::forward(const http::Request& request) {
  http::ClientRequest forwarded;
  forwarded.method = request.method;
  forwarded.url.path = request.path();
  forwarded.url.query = request.query_text();
  forwarded.headers = end_to_end(request.headers);
  forwarded.body = request.body;
  std::string id = world_.random.uuid();
  auto answer = co_await handler_.call(std::move(forwarded), std::move(id));
  if (!answer) co_return fail(answer.error());
  answer->headers = end_to_end(answer->headers);
  answer->chunked = false;
  co_return answer;
}

/// POST /admin/functions/NAME with a message's text.
Task<http::Response> FunctionAppRunner::run_by_hand(const FunctionJson& function,
                                                    const http::Request& request) {
  const wire::QueueMessage message{.id = world_.random.uuid(),
                                   .insertion_time = world_.clock.now(),
                                   .expiration_time = world_.clock.now(),
                                   .pop_receipt = "by-hand",
                                   .time_next_visible = world_.clock.now(),
                                   .dequeue_count = 1,
                                   .text = {}};
  const InvocationFacts facts{
      .function = function.name, .now = world_.clock.now(), .random_id = world_.random.uuid()};
  auto json = render_queue_invocation(function, message, request.body, facts);
  auto answer = co_await invoke(function, std::move(json));
  if (!answer) co_return no_answer(function.name, answer.error());
  co_return std::move(*answer);
}

Task<Result<http::Response>> FunctionAppRunner::invoke(const FunctionJson& function,
                                                       std::string json) {
  std::string id = world_.random.uuid();
  auto answer = co_await handler_.invoke(function.name, std::move(json), std::move(id));
  if (!answer) co_return fail(answer.error());
  auto result = read_invocation_result(function, *answer, app_.host.queues.encoding);
  if (!result) {
    result.error().message = "its handler failed: " + result.error().message;
    co_return fail(result.error());
  }
  for (const auto& line : result->logs) {
    log::info("function_log", {{"function", function.name}, {"line", line}});
  }
  auto put = co_await put_all(std::move(result->messages));
  if (!put) co_return fail(put.error());
  co_return std::move(result->response);
}

Task<Result<>> FunctionAppRunner::put_all(std::vector<QueuedOutput> messages) {
  for (auto& message : messages) {
    auto& queues = *queues_.at(message.binding->connection);
    auto put = co_await queues.put_and_create(message.binding->queue, std::move(message.text));
    if (!put) co_return put;
  }
  co_return Result<>{};
}

Task<Result<>> FunctionAppRunner::run_message(const FunctionJson& function,
                                              const wire::QueueMessage& message) {
  const auto text = decode_message(message.text, app_.host.queues.encoding);
  if (!text || (!function.queue->is_binary && !is_utf8(*text))) {
    co_return fail(ErrorKind::protocol, "MessageNotDecoded",
                   "the message is no Base64 of a text: host.json's "
                   "extensions.queues.messageEncoding is for all queues of the app, and is base64 "
                   "unless it says none");
  }
  const InvocationFacts facts{
      .function = function.name, .now = world_.clock.now(), .random_id = world_.random.uuid()};
  auto json = render_queue_invocation(function, message, *text, facts);
  const auto answer = co_await invoke(function, std::move(json));
  if (!answer) co_return fail(answer.error());
  co_return Result<>{};
}

Task<> FunctionAppRunner::drain(std::chrono::milliseconds grace) {
  TaskGroup draining(world_.executor);
  for (const auto& trigger : triggers_) draining.spawn("queue_trigger", trigger->drain(grace));
  co_await draining.join();
}

Task<> FunctionAppRunner::stop() {
  co_await handler_.stop();
  client_.close_idle();
}

}  // namespace latchkey::cloud
