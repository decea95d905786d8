#include "app/first_code.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cstdio>

#include "app/api_client.hpp"
#include "app/names.hpp"
#include "base/time_text.hpp"

namespace latchkey::app {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPatience{5'000};

milliseconds since(SteadyTime start, Clock& clock) {
  return std::chrono::duration_cast<milliseconds>(clock.steady_now() - start);
}

/// True once the row is valid; false when that takes longer than a start should wait.
Task<bool> becomes_valid(codes::CodeTable& table, codes::CodeKeys keys, Clock& clock) {
  const SteadyTime give_up = clock.steady_now() + kPatience;
  while (clock.steady_now() < give_up) {
    auto row = co_await table.find(keys);
    if (row && *row && (*row)->state == codes::CodeState::valid) co_return true;
    co_await clock.sleep_for(milliseconds{5});
  }
  co_return false;
}

void print_next_steps(const RunningCloud& running, const CommonOptions& common,
                      std::string_view code) {
  const std::string data = common.data_given ? fmt::format(" --data {}", common.data.string()) : "";
  fmt::print(
      "\nTry next:\n"
      "  curl -s {0}/api/v1/getcode\n"
      "  {1} code verify {2}{3}\n"
      "  {1} queue peek{3}\n"
      "  az storage message peek --queue-name {4} --connection-string '{5}'\n"
      "  {1} run{3} -- python3 your_app.py    # any Azure SDK app, with its production URLs\n"
      "Stop with Ctrl-C.\n",
      running.endpoints.at("api"), common.program, code, data, kQueueName,
      running.connection_string(kAccountName).value_or(""));
  std::fflush(stdout);
}

}  // namespace

Task<> show_first_code(const RunningCloud& running, codes::CodeTable& table,
                       const codes::CodeHasher& hasher, const CommonOptions& common, Trust trust,
                       World world) {
  ApiClient client(running.endpoints.at("api"), Secret{}, std::move(trust), world);
  const SteadyTime start = world.clock.steady_now();
  auto code = co_await client.new_code();
  if (!code) {
    fmt::print(stderr, "latchkey: the first code could not be fetched: {}\n", code.error().message);
    co_return;
  }
  const auto issued_after = since(start, world.clock);
  auto keys = hasher.hash_all(code->code.reveal(), world.clock.now());
  const bool valid = co_await becomes_valid(table, std::move(keys), world.clock);
  if (valid) {
    fmt::print("\nFirst code through the whole chain: {} (issued in {} ms, valid after {} ms)\n",
               code->code.reveal(), issued_after.count(), since(start, world.clock).count());
  } else {
    fmt::print(stderr, "latchkey: the watcher did not make the first code valid within {} s\n",
               kPatience.count() / 1000);
  }
  print_next_steps(running, common, code->code.reveal());
}

}  // namespace latchkey::app
