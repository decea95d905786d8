#include "app/azure_access.hpp"

#include <algorithm>

#include "azure/credential.hpp"
#include "base/log.hpp"
#include "codes/pepper_source.hpp"

namespace latchkey::app {

using std::chrono::seconds;

AzureAccess::~AzureAccess() = default;

Result<std::unique_ptr<AzureAccess>> AzureAccess::create(const ServiceSettings& settings,
                                                         Trust trust, World world) {
  std::unique_ptr<AzureAccess> made(new AzureAccess(world));
  made->http_ = std::make_unique<http::PooledClient>(world.executor, std::move(trust), world.clock,
                                                     settings.http);
  made->server_clock_ = std::make_unique<azure::ServerClock>(world.clock, settings.clock_error_max);
  made->dated_http_ =
      std::make_unique<azure::DatedClient>(*made->http_, *made->server_clock_, world.clock);
  auto credential = azure::make_default_credential(
      settings.credential, made->azure_http("identity"), world.clock, world.executor);
  if (!credential) return fail(credential.error());
  made->credential_ = std::move(*credential);
  auto vault = azure::KeyVaultClient::create(settings.key_vault_url, *made->credential_,
                                             made->azure_http("vault"), world.clock, world.random);
  if (!vault) return fail(vault.error());
  made->vault_ = std::move(*vault);
  http::HttpClient& queue_http = made->azure_http("queue");
  for (const std::string& url : settings.queue_urls) {
    auto address = azure::queue_address_from_url(url, made->credential_.get());
    if (!address) return fail(address.error());
    made->queues_.emplace_back(std::move(*address), queue_http, world.clock, world.random);
  }
  return made;
}

http::HttpClient& AzureAccess::observed(http::HttpClient& http, std::string dependency) {
  auto& client = observed_[dependency];
  if (!client) {
    client = std::make_unique<http::ObservedClient>(http, dependency, world_.metrics, world_.tracer,
                                                    world_.clock);
  }
  return *client;
}

Task<Result<std::vector<codes::Pepper>>> AzureAccess::peppers(std::string secret_name,
                                                              seconds patience) {
  const SteadyTime give_up = world_.clock.steady_now() + patience;
  seconds pause{1};
  for (;;) {
    auto peppers = co_await codes::read_peppers(*vault_, secret_name, {}, world_.clock.now());
    if (peppers) co_return peppers;
    if (world_.clock.steady_now() + pause > give_up) co_return fail(peppers.error());
    log::warning("vault_not_ready",
                 {{"problem", peppers.error().message}, {"next_try_seconds", pause.count()}});
    co_await world_.clock.sleep_for(pause);
    pause = std::min(pause * 2, seconds{15});
  }
}

}  // namespace latchkey::app
