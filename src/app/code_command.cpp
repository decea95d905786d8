#include <fmt/format.h>

#include <iostream>

#include "app/api_client.hpp"
#include "app/command_world.hpp"
#include "app/commands.hpp"
#include "app/running_cloud.hpp"

/// `latchkey code new|verify|show|revoke`: what a client app would ask the API.
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

Task<int> verify(ApiClient& client, Secret code, codes::Binding binding) {
  auto verdict = co_await client.verify(std::move(code), std::move(binding));
  if (!verdict) co_return report(verdict.error());
  switch (*verdict) {
    case codes::Verdict::accepted:
      fmt::print("accepted\n");
      co_return 0;
    case codes::Verdict::not_active_yet:
      fmt::print("not active yet\n");
      co_return 1;
    default:
      fmt::print("refused\n");
      co_return 1;
  }
}

/// The walkthrough's plain call unless something was said that it does not know.
Task<Result<std::string>> new_code(ApiClient& client, const CodeOptions& options) {
  const codes::Binding binding{options.subject, options.purpose};
  const bool plain = binding == codes::Binding{} && options.lifetime_seconds == 0;
  auto making = plain ? client.new_code() : client.new_code_for(binding, options.lifetime_seconds);
  auto made = co_await std::move(making);
  if (!made) co_return fail(made.error());
  co_return std::move(made->json);
}

Task<Result<std::string>> revoke(ApiClient& client, const CodeOptions& options) {
  if (options.code.empty() == options.subject.empty()) {
    co_return fail(ErrorKind::invalid_argument, "WhichCodes",
                   "say which codes: an id, or --subject (and --purpose)");
  }
  codes::Binding binding{options.subject, options.purpose};
  auto asking = options.code.empty() ? client.revoke_subject(std::move(binding))
                                     : client.revoke(options.code);
  co_return co_await std::move(asking);
}

Task<int> print_answer(Task<Result<std::string>> asking) {
  auto text = co_await std::move(asking);
  if (!text) co_return report(text.error());
  fmt::print("{}\n", *text);
  co_return 0;
}

Task<int> run_action(const CodeOptions& options, std::string url, Secret api_key, World world) {
  auto trust = Trust::system_trust();
  if (!trust) co_return report(trust.error());
  ApiClient client(url, std::move(api_key), std::move(*trust), world);
  if (options.action == "verify") {
    Secret code(options.code);
    codes::Binding binding{options.subject, options.purpose};
    co_return co_await verify(client, std::move(code), std::move(binding));
  }
  if (options.action == "new") co_return co_await print_answer(new_code(client, options));
  if (options.action == "show") co_return co_await print_answer(client.show(options.code));
  co_return co_await print_answer(revoke(client, options));
}

}  // namespace

int run_code(const CommonOptions& common, const CodeOptions& given) {
  CodeOptions options = given;
  if (options.code == "-") std::getline(std::cin, options.code);
  auto url = api_url(common, options);
  if (!url) return report(url.error());
  CommandWorld world;
  const Secret api_key(common.environment.get("LATCHKEY_API_KEY"));
  return world.run([&](World inside) { return run_action(options, *url, api_key, inside); });
}

}  // namespace latchkey::app
