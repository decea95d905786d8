#include "cloud/functions/custom_handler.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/log.hpp"
#include "http/free_port.hpp"

namespace latchkey::cloud {
namespace {

constexpr std::chrono::milliseconds kReadyInterval{25};
constexpr std::string_view kHostVersion = "4.0";

}  // namespace

CustomHandler::CustomHandler(const FunctionApp& app, World world)
    : app_(app),
      world_(world),
      name_(app.folder.filename().string()),
      worker_id_(world.random.uuid()),
      keeper_(world.executor),
      starting_(world.executor) {}

CustomHandler::~CustomHandler() = default;

void CustomHandler::start() {
  keeper_.spawn("function_app_handler", keep_running());
}

Task<> CustomHandler::keep_running() {
  auto delay = kRestartDelayMin;
  while (!stopping_) {
    const bool was_ready = co_await run_once();
    if (stopping_) co_return;
    if (was_ready) delay = kRestartDelayMin;
    log::warning("function_app_restarts", {{"app", name_}, {"in_seconds", delay.count()}});
    co_await world_.clock.sleep_for(delay);
    delay = std::min(delay * 2, kRestartDelayMax);
  }
}

/// Whether it had become ready.
Task<bool> CustomHandler::run_once() {
  const auto port = http::find_free_port();
  if (!port) {
    log::error("function_app_not_started", {{"app", name_}, {"problem", port.error().message}});
    co_return false;
  }
  const auto tell = [name = name_](std::string_view line) {
    log::info("function_app_output", {{"app", name}, {"line", line}});
  };
  auto started = ChildProcess::start(child_options(*port), tell, world_.executor);
  if (!started) {
    log::error("function_app_not_started", {{"app", name_}, {"problem", started.error().message}});
    co_return false;
  }
  process_ = std::move(*started);
  starting_.spawn("function_app_start", watch_start(*port));
  const int status = co_await process_->wait();
  process_.reset();
  starting_.cancel();
  co_await starting_.join();
  const bool was_ready = std::exchange(ready_, false);
  if (!stopping_) {
    log::error("function_app_ended",
               {{"app", name_}, {"exit_status", status}, {"was_ready", was_ready ? "yes" : "no"}});
  }
  co_return was_ready;
}

Task<> CustomHandler::watch_start(std::uint16_t port) {
  const auto deadline = world_.clock.steady_now() + kStartLimit;
  while (world_.clock.steady_now() < deadline) {
    auto ping = to_handler(port);
    ping.timeout = std::chrono::duration_cast<std::chrono::milliseconds>(kStartLimit);
    const auto answer = co_await world_.client.send(std::move(ping));
    // What is not HTTP is an answer as well, as for the real host.
    if (answer || answer.error().kind == ErrorKind::protocol) {
      port_ = port;
      ready_ = true;
      log::info("function_app_ready", {{"app", name_}, {"port", port}});
      co_return;
    }
    co_await world_.clock.sleep_for(kReadyInterval);
  }
  log::error("function_app_silent",
             {{"app", name_},
              {"problem",
               "its program runs, but does not answer GET / on 127.0.0.1 at the port in "
               "FUNCTIONS_CUSTOMHANDLER_PORT"},
              {"seconds", kStartLimit.count()}});
  if (process_) process_->kill();
}

ChildOptions CustomHandler::child_options(std::uint16_t port) const {
  AppSettings environment = app_.settings;
  for (const auto* kind : {"CUSTOMHANDLER", "HTTPWORKER"}) {  // the older names come second
    environment[fmt::format("FUNCTIONS_{}_PORT", kind)] = std::to_string(port);
    environment[fmt::format("FUNCTIONS_{}_WORKER_ID", kind)] = worker_id_;
  }
  environment["FUNCTIONS_APP_ROOT_PATH"] = app_.folder.string();
  ChildOptions options;
  options.program = app_.executable.string();
  options.arguments = app_.host.arguments;
  options.folder = app_.working_folder.string();
  for (const auto& [name, value] : environment) options.environment.push_back(name + "=" + value);
  return options;
}

http::ClientRequest CustomHandler::to_handler(std::uint16_t port) const {
  http::ClientRequest request;
  request.url = {.scheme = "http", .host = "127.0.0.1", .port = port, .path = "/", .query = {}};
  return request;
}

Task<Result<http::Response>> CustomHandler::call(http::ClientRequest request,
                                                 std::string invocation_id) {
  const auto deadline = world_.clock.steady_now() + kStartLimit;
  while (!ready_ && !stopping_ && world_.clock.steady_now() < deadline) {
    co_await world_.clock.sleep_for(kReadyInterval);
  }
  if (!ready_) {
    co_return fail(ErrorKind::unavailable, "HandlerNotReady",
                   fmt::format("the handler of function app {} does not run", name_));
  }
  request.url.scheme = "http";
  request.url.host = "127.0.0.1";
  request.url.port = port_;
  request.headers.set("X-Azure-Functions-HostVersion", kHostVersion);
  request.headers.set("X-Azure-Functions-InvocationId", invocation_id);
  const std::string agent(request.headers.find("User-Agent").value_or(""));
  request.headers.set("User-Agent", fmt::format("{}{}Azure-Functions-Host/{}", agent,
                                                agent.empty() ? "" : " ", kHostVersion));
  request.timeout = app_.host.function_timeout.value_or(std::chrono::hours{24});
  const auto port = port_;
  auto answer = co_await world_.client.send(std::move(request));
  // As the real host: what hangs there will not come back by itself.
  const bool is_over = !answer && answer.error().kind == ErrorKind::timeout;
  if (is_over && ready_ && port == port_ && process_) {
    log::error("function_timeout", {{"app", name_}, {"remedy", "functionTimeout in host.json"}});
    process_->kill();
  }
  co_return answer;
}

Task<Result<http::Response>> CustomHandler::invoke(std::string function, std::string json,
                                                   std::string invocation_id) {
  http::ClientRequest request;
  request.method = http::Method::post;
  request.url.path = "/" + function;
  request.headers.set("Content-Type", "application/json; charset=utf-8");
  request.body = std::move(json);
  auto calling = call(std::move(request), std::move(invocation_id));
  co_return co_await std::move(calling);
}

Task<> CustomHandler::stop() {
  stopping_ = true;
  if (process_) process_->ask_to_end();
  TaskGroup late(world_.executor);
  late.spawn("function_app_kill", kill_late());
  if (!process_) keeper_.cancel();  // It waits to start again.
  co_await keeper_.join();
  late.cancel();
  co_await late.join();
  starting_.cancel();
  co_await starting_.join();
}

Task<> CustomHandler::kill_late() {
  co_await world_.clock.sleep_for(kStopGrace);
  log::warning("function_app_killed", {{"app", name_}, {"problem", "it did not end on SIGTERM"}});
  if (process_) process_->kill();
  keeper_.cancel();
}

}  // namespace latchkey::cloud
