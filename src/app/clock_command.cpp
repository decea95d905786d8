#include <fmt/format.h>

#include <boost/json.hpp>

#include "app/command_world.hpp"
#include "app/commands.hpp"
#include "app/management_client.hpp"
#include "base/time_text.hpp"

/// `latchkey clock +10m|-5s|show|reset`: the time that the local cloud believes it is. Only where
/// it was started with --test-controls.
namespace latchkey::app {
namespace {

namespace json = boost::json;

void print_clock(const json::object& answer) {
  const auto* offset = answer.if_contains("offsetMilliseconds");
  const std::chrono::milliseconds by{offset == nullptr ? 0 : offset->to_number<std::int64_t>()};
  const auto now = member_of(answer, "now");
  if (by.count() == 0) {
    fmt::print("{}, the machine's time\n", now);
  } else {
    fmt::print("{}, {} {} the machine's time\n", now, to_duration_text(std::chrono::abs(by)),
               by.count() > 0 ? "ahead of" : "behind");
  }
}

Task<int> run_action(const RunningCloud& running, const std::string& move, World world) {
  auto management = ManagementClient::open(running, world);
  if (!management) co_return report(management.error());
  ManagementClient& cloud = **management;
  auto path = cloud.resource_group() + "/providers/Latchkey.TestControls/clock";
  Result<json::object> answer;
  if (move == "show") {
    answer = co_await cloud.get(std::move(path));
  } else if (move == "reset") {
    answer = co_await cloud.remove(std::move(path));
  } else {
    json::object body{{"by", move}};
    answer = co_await cloud.post(std::move(path), std::move(body));
  }
  if (!answer) co_return report(answer.error());
  print_clock(*answer);
  co_return 0;
}

}  // namespace

int run_clock(const CommonOptions& common, const std::string& move) {
  auto running = read_running_cloud(common.data);
  if (!running) return report(running.error());
  CommandWorld world;
  return world.run([&](World inside) { return run_action(*running, move, inside); });
}

}  // namespace latchkey::app
