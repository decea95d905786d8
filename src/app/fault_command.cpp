#include <fmt/format.h>

#include <boost/json.hpp>

#include "app/command_world.hpp"
#include "app/commands.hpp"
#include "app/management_client.hpp"

/// `latchkey fault set|list|clear`: what the local cloud's services are to suffer. Only where it
/// was started with --test-controls.
namespace latchkey::app {
namespace {

namespace json = boost::json;

std::string number_of(const json::object& fault, std::string_view name) {
  const auto* value = fault.if_contains(name);
  return value == nullptr ? std::string{} : json::serialize(*value);
}

std::string details_of(const json::object& fault) {
  if (const auto delay = member_of(fault, "delay"); !delay.empty()) return "by " + delay;
  const auto seconds = number_of(fault, "retryAfter");
  return seconds.empty() || seconds == "0" ? "" : "Retry-After " + seconds;
}

void print_faults(const json::object& answer) {
  const auto* rows = answer.if_contains("value");
  if (rows == nullptr || !rows->is_array() || rows->get_array().empty()) {
    fmt::print("no faults\n");
    return;
  }
  fmt::print("{:<11} {:<14} {:>6} {:>6} {:>6}  {}\n", "SERVICE", "FAULT", "RATE", "LEFT", "HITS",
             "");
  for (const auto& row : rows->get_array()) {
    if (!row.is_object()) continue;
    const auto& fault = row.get_object();
    const auto left = number_of(fault, "left");
    fmt::print("{:<11} {:<14} {:>6.2g} {:>6} {:>6}  {}\n", member_of(fault, "service"),
               member_of(fault, "kind"), fault.at("rate").to_number<double>(),
               left.empty() ? "-" : left, number_of(fault, "hits"), details_of(fault));
  }
}

json::object body_of(const FaultOptions& options) {
  json::object body{
      {"rate", options.rate}, {"delay", options.delay}, {"retryAfter", options.retry_after}};
  if (options.count) body["count"] = *options.count;
  return body;
}

Task<int> run_action(const RunningCloud& running, const FaultOptions& options, World world) {
  auto management = ManagementClient::open(running, world);
  if (!management) co_return report(management.error());
  ManagementClient& cloud = **management;
  auto path = cloud.resource_group() + "/providers/Latchkey.TestControls/faults";
  if (!options.service.empty()) path += "/" + options.service;
  Result<json::object> answer;
  if (options.action == "set") {
    auto body = body_of(options);
    answer = co_await cloud.put(path + "/" + options.kind, std::move(body));
  } else if (options.action == "clear") {
    answer = co_await cloud.remove(std::move(path));
  } else {
    answer = co_await cloud.get(std::move(path));
  }
  if (!answer) co_return report(answer.error());
  if (options.json) {
    fmt::print("{}\n", json::serialize(*answer));
  } else if (options.action == "set") {
    fmt::print("{} suffers {} from now on; end it with: latchkey fault clear {}\n", options.service,
               options.kind, options.service);
  } else {
    print_faults(*answer);
  }
  co_return 0;
}

}  // namespace

int run_fault(const CommonOptions& common, const FaultOptions& options) {
  auto running = read_running_cloud(common.data);
  if (!running) return report(running.error());
  CommandWorld world;
  return world.run([&](World inside) { return run_action(*running, options, inside); });
}

}  // namespace latchkey::app
