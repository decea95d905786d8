#include "app/service_parts.hpp"

#include <fmt/format.h>

#include "base/log.hpp"

namespace latchkey::app {
namespace {

using std::chrono::seconds;

/// The API's role may lack the right to read the queue's metadata: being told so by the queue shows
/// that it is there and that our token is good.
Task<Result<>> check_queue(azure::QueueClient& queue) {
  auto properties = co_await queue.properties();
  if (properties || properties.error().code == "AuthorizationPermissionMismatch") {
    co_return Result<>{};
  }
  co_return fail(properties.error());
}

Task<Result<>> check_key(azure::CachedSecret& key) {
  auto value = co_await key.get();
  if (!value) co_return fail(value.error());
  co_return Result<>{};
}

Task<Result<>> check_table(codes::CodeTable& table) {
  auto row = co_await table.find({});
  if (!row) co_return fail(row.error());
  co_return Result<>{};
}

}  // namespace

codes::LifetimeRules lifetime_rules(const ServiceSettings& settings) {
  codes::LifetimeRules rules;
  rules.lifetime = settings.lifetime;
  return rules;
}

AzureAccess::~AzureAccess() = default;

Result<std::unique_ptr<AzureAccess>> AzureAccess::create(const ServiceSettings& settings,
                                                         Trust trust, World world) {
  std::unique_ptr<AzureAccess> made(new AzureAccess(world));
  made->http_ = std::make_unique<http::PooledClient>(world.executor, std::move(trust), world.clock,
                                                     settings.http);
  made->credential_ = azure::make_default_credential(settings.credential, *made->http_, world.clock,
                                                     world.executor);
  auto vault = azure::KeyVaultClient::create(settings.key_vault_url, *made->credential_,
                                             *made->http_, world.clock, world.random);
  if (!vault) return fail(vault.error());
  made->vault_ = std::move(*vault);
  auto address = azure::queue_address_from_url(settings.queue_url, made->credential_.get());
  if (!address) return fail(address.error());
  made->queue_ = std::make_unique<azure::QueueClient>(std::move(*address), *made->http_,
                                                      world.clock, world.random);
  return made;
}

Task<Result<codes::CodeHasher>> AzureAccess::hasher(std::string secret_name, seconds patience) {
  const SteadyTime give_up = world_.clock.steady_now() + patience;
  seconds pause{1};
  for (;;) {
    auto bundle = co_await vault_->get_secret(secret_name);
    if (bundle) co_return codes::CodeHasher(std::move(bundle->value), bundle->version());
    if (world_.clock.steady_now() + pause > give_up) co_return fail(bundle.error());
    log::warning("vault_not_ready",
                 {{"problem", bundle.error().message}, {"next_try_seconds", pause.count()}});
    co_await world_.clock.sleep_for(pause);
    pause = std::min(pause * 2, seconds{15});
  }
}

Task<Result<std::unique_ptr<ApiPart>>> ApiPart::start(ServiceSettings settings,
                                                      ListenSettings listen,
                                                      codes::CodeTable& table, Trust trust,
                                                      World world) {
  std::unique_ptr<ApiPart> part(new ApiPart);
  auto azure = AzureAccess::create(settings, std::move(trust), world);
  if (!azure) co_return fail(azure.error());
  part->azure_ = std::move(*azure);
  auto hasher = co_await part->azure_->hasher(settings.pepper_secret_name, seconds{60});
  if (!hasher) co_return fail(hasher.error());
  part->hasher_ = std::make_unique<codes::CodeHasher>(std::move(*hasher));

  part->number_key_ = std::make_unique<azure::CachedSecret>(
      part->azure_->vault(), settings.number_secret_name, world.clock, world.executor);
  part->number_api_ = std::make_unique<codes::NumberApi>(settings.number_endpoint,
                                                         *part->number_key_, part->azure_->http());
  part->issuer_ =
      std::make_unique<codes::Issuer>(codes::Issuer::Dependencies{.number_api = *part->number_api_,
                                                                  .queue = part->azure_->queue(),
                                                                  .table = table,
                                                                  .hasher = *part->hasher_,
                                                                  .clock = world.clock,
                                                                  .random = world.random},
                                      lifetime_rules(settings));
  part->issuer_->message_base64 = settings.message_base64;
  part->verifier_ = std::make_unique<codes::Verifier>(table, *part->hasher_, world.clock);

  part->readiness_ = std::make_unique<service::Readiness>(world.clock);
  part->readiness_->add("vault", [key = part->number_key_.get()] { return check_key(*key); });
  part->readiness_->add("queue", [queue = &part->azure_->queue()] { return check_queue(*queue); });
  part->readiness_->add("table", [&table] { return check_table(table); });

  part->api_ = std::make_unique<service::Api>(*part->issuer_, *part->verifier_, *part->readiness_);
  http::ServerOptions options;
  options.name = "api";
  options.addresses = listen.addresses;
  options.port = listen.port;
  options.limits.body_bytes_max = 64 * 1024;
  auto server =
      http::Server::listen(world.executor, std::move(options), part->api_->handler(), world.clock);
  if (!server) co_return fail(server.error());
  part->server_ = std::move(*server);
  co_return part;
}

Task<> ApiPart::stop(std::chrono::milliseconds grace) {
  co_await server_->drain(grace);
}

Task<Result<std::unique_ptr<WatchPart>>> WatchPart::start(ServiceSettings settings,
                                                          codes::CodeTable& table, Trust trust,
                                                          World world) {
  std::unique_ptr<WatchPart> part(new WatchPart(world.executor));
  auto azure = AzureAccess::create(settings, std::move(trust), world);
  if (!azure) co_return fail(azure.error());
  part->azure_ = std::move(*azure);
  auto hasher = co_await part->azure_->hasher(settings.pepper_secret_name, seconds{60});
  if (!hasher) co_return fail(hasher.error());
  part->hasher_ = std::make_unique<codes::CodeHasher>(std::move(*hasher));

  codes::WatcherOptions options;
  options.rules = lifetime_rules(settings);
  options.requeue = settings.requeue;
  options.accept_unissued = settings.accept_unissued;
  options.poll_max = settings.poll_max;
  options.poll_min = std::min(options.poll_min, options.poll_max);
  part->watcher_ =
      std::make_unique<codes::Watcher>(codes::Watcher::Dependencies{.queue = part->azure_->queue(),
                                                                    .table = table,
                                                                    .hasher = *part->hasher_,
                                                                    .clock = world.clock,
                                                                    .random = world.random,
                                                                    .executor = world.executor},
                                       options);
  part->tasks_.spawn("watcher", part->watcher_->run());
  co_return part;
}

Task<> WatchPart::stop() {
  tasks_.cancel();
  co_await tasks_.join();
}

}  // namespace latchkey::app
