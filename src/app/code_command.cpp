#include <fmt/format.h>

#include <iostream>

#include "app/api_client.hpp"
#include "app/command_world.hpp"
#include "app/commands.hpp"
#include "app/running_cloud.hpp"

/// `latchkey code new|verify`: what a client app would ask the API.
namespace latchkey::app {
namespace {

/// --url, else the API that runs on the data folder.
Result<std::string> api_url(const CommonOptions& common, const CodeOptions& options) {
  if (!options.url.empty()) return options.url;
  auto running = read_running_cloud(common.data);
  if (!running) return fail(running.error());
  const auto api = running->endpoints.find("api");
  if (api == running->endpoints.end()) {
    return fail(ErrorKind::unavailable, "NoApi",
                "the local cloud runs without the API; name the API's address with --url");
  }
  return api->second;
}

Task<int> new_code(ApiClient& client) {
  auto code = co_await client.new_code();
  if (!code) co_return report(code.error());
  fmt::print("{}\n", code->json);
  co_return 0;
}

Task<int> verify(ApiClient& client, Secret code, Clock& clock) {
  // A code that was typed faster than the watcher works is no wrong code: wait for it shortly.
  const SteadyTime give_up = clock.steady_now() + std::chrono::seconds{2};
  for (;;) {
    auto verdict = co_await client.verify(code);
    if (!verdict) co_return report(verdict.error());
    if (*verdict == codes::Verdict::accepted) {
      fmt::print("accepted\n");
      co_return 0;
    }
    if (*verdict == codes::Verdict::refused || clock.steady_now() >= give_up) {
      fmt::print("{}\n", *verdict == codes::Verdict::refused ? "refused" : "not active yet");
      co_return 1;
    }
    co_await clock.sleep_for(std::chrono::milliseconds{100});
  }
}

Task<int> run_action(const CodeOptions& options, std::string url, World world) {
  auto trust = Trust::system_trust();
  if (!trust) co_return report(trust.error());
  ApiClient client(url, std::move(*trust), world);
  int exit_code = 1;
  if (options.action == "new") {
    exit_code = co_await new_code(client);
  } else {
    Secret code(options.code);
    exit_code = co_await verify(client, std::move(code), world.clock);
  }
  co_return exit_code;
}

}  // namespace

int run_code(const CommonOptions& common, const CodeOptions& given) {
  CodeOptions options = given;
  if (options.code == "-") std::getline(std::cin, options.code);
  auto url = api_url(common, options);
  if (!url) return report(url.error());
  CommandWorld world;
  return world.run([&](World inside) { return run_action(options, *url, inside); });
}

}  // namespace latchkey::app
