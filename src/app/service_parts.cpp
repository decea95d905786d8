#include "app/service_parts.hpp"

#include <fmt/format.h>

#include "base/log.hpp"
#include "base/text.hpp"

namespace latchkey::app {
namespace {

using std::chrono::seconds;

/// Long enough for a role assignment to take effect at a first deployment.
constexpr seconds kVaultPatience{60};
constexpr seconds kAnswerSweep{60};
/// Keys are read again so often; a key that is not known is looked for at once.
constexpr seconds kApiKeysMaxAge{300};

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

Task<Result<>> check_clock(const azure::ServerClock& clock) {
  const auto standing = clock.standing();
  if (standing.right) co_return Result<>{};
  co_return fail(ErrorKind::unavailable, "ClockWrong",
                 fmt::format("this machine's clock differs from that of {} by {} ms; synchronise "
                             "it (timedatectl set-ntp true)",
                             standing.host, standing.off_by.count()));
}

Task<Result<Secret>> api_keys_text(azure::CachedSecret& keys, bool refused) {
  auto held = co_await keys.get();
  if (!held || !refused) co_return held;
  co_return co_await keys.get_after_refusal(std::move(*held));
}

Task<Result<service::BearerClaims>> check_bearer(azure::TokenValidator& tokens, Secret token) {
  auto valid = co_await tokens.validate(std::move(token));
  if (!valid) co_return fail(valid.error());
  co_return service::BearerClaims{std::move(valid->client_id), std::move(valid->roles)};
}

std::vector<std::string> split_audiences(const std::string& text) {
  std::vector<std::string> audiences;
  for (const auto audience : split(text, ',')) audiences.emplace_back(trim(audience));
  return audiences;
}

Task<> sweep_answers(codes::AnswerTable& answers, Clock& clock) {
  for (;;) {
    co_await clock.sleep_for(kAnswerSweep);
    auto removed = co_await answers.remove_expired(clock.now());
    if (!removed) log::warning("answers_not_swept", {{"problem", removed.error().message}});
  }
}

/// What API and watcher have in common.
struct Base {
  std::unique_ptr<AzureAccess> azure;
  std::unique_ptr<codes::AuditLog> audit;
  std::unique_ptr<codes::CodeHasher> hasher;
  std::unique_ptr<codes::PepperSource> peppers;
};

Task<Result<Base>> make_base(const ServiceSettings& settings, std::string role, Trust trust,
                             World world) {
  Base base;
  auto azure = AzureAccess::create(settings, std::move(trust), world);
  if (!azure) co_return fail(azure.error());
  base.azure = std::move(*azure);
  auto audit = codes::AuditLog::open(settings.audit_folder, std::move(role), world.clock);
  if (!audit) co_return fail(audit.error());
  base.audit = std::move(*audit);
  auto peppers = co_await base.azure->peppers(settings.pepper_secret_name, kVaultPatience);
  if (!peppers) co_return fail(peppers.error());
  base.hasher = std::make_unique<codes::CodeHasher>(*peppers);
  base.peppers =
      std::make_unique<codes::PepperSource>(base.azure->vault(), settings.pepper_secret_name,
                                            std::move(*peppers), *base.hasher, world.clock);
  co_return base;
}

}  // namespace

codes::LifetimeRules lifetime_rules(const ServiceSettings& settings) {
  codes::LifetimeRules rules;
  rules.lifetime = settings.lifetime;
  rules.clock_error_max = settings.clock_error_max;
  return rules;
}

Result<ApiSettings> read_api_settings(const Environment& environment,
                                      const std::filesystem::path& data) {
  auto service = read_service_settings(environment, Needs::api, data);
  if (!service) return fail(service.error());
  auto listen = read_listen_settings(environment);
  if (!listen) return fail(listen.error());
  auto limits = read_limit_settings(environment);
  if (!limits) return fail(limits.error());
  auto access = read_access_settings(environment, listen->on_loopback);
  if (!access) return fail(access.error());
  auto sign_in = read_sign_in_settings(environment, data);
  if (!sign_in) return fail(sign_in.error());
  return ApiSettings{std::move(*service), std::move(*listen), *limits, std::move(*access),
                     std::move(*sign_in)};
}

Task<Result<std::unique_ptr<ApiPart>>> ApiPart::start(ApiSettings settings,
                                                      codes::CodeTables& tables, Trust trust,
                                                      World world) {
  auto part = co_await make(settings, tables, std::move(trust), world);
  if (!part) co_return fail(part.error());
  http::ServerOptions options;
  options.name = "api";
  options.addresses = settings.listen.addresses;
  options.port = settings.listen.port;
  options.limits.body_bytes_max = 64 * 1024;
  auto server = http::Server::listen(world.executor, std::move(options), (*part)->api_->handler(),
                                     world.clock);
  if (!server) {
    co_await (*part)->stop(std::chrono::milliseconds::zero());
    co_return fail(server.error());
  }
  (*part)->server_ = std::move(*server);
  co_return part;
}

Task<Result<std::unique_ptr<ApiPart>>> ApiPart::make(const ApiSettings& settings,
                                                     codes::CodeTables& tables, Trust trust,
                                                     World world) {
  std::unique_ptr<ApiPart> part(new ApiPart(world.executor));
  auto base = co_await make_base(settings.service, "api", std::move(trust), world);
  if (!base) co_return fail(base.error());
  part->azure_ = std::move(base->azure);
  part->audit_ = std::move(base->audit);
  part->hasher_ = std::move(base->hasher);
  part->peppers_ = std::move(base->peppers);
  part->observation_ =
      std::make_unique<Observation>(*tables.codes, *part->audit_, *part->azure_, "api", world);
  part->make_codes(settings, tables, world);
  auto gatekeeper = part->make_gatekeeper(settings, world);
  if (!gatekeeper) co_return fail(gatekeeper.error());
  part->make_readiness(world);
  part->api_ =
      std::make_unique<service::Api>(service::Api::Parts{.issuer = *part->issuer_,
                                                         .verifier = *part->verifier_,
                                                         .directory = *part->directory_,
                                                         .idempotency = *part->idempotency_,
                                                         .gatekeeper = *part->gatekeeper_,
                                                         .readiness = *part->readiness_});
  part->requests_ =
      std::make_unique<service::RequestObserver>(world.metrics, world.tracer, world.clock);
  part->requests_->add_to(part->api_->router());
  service::add_metrics_route(part->api_->router(), world.metrics, *part->gatekeeper_);
  if (settings.sign_in.enabled) {
    auto sign_in = SignInPart::start(settings.sign_in,
                                     {.issuer = *part->issuer_,
                                      .verifier = *part->verifier_,
                                      .directory = *part->directory_,
                                      .hasher = *part->hasher_,
                                      .audit = part->observation_->audit,
                                      .azure = *part->azure_},
                                     part->api_->router(), world);
    if (!sign_in) co_return fail(sign_in.error());
    part->sign_in_ = std::move(*sign_in);
  }
  part->tasks_.spawn("peppers", part->peppers_->run());
  part->tasks_.spawn("answers", sweep_answers(*tables.answers, world.clock));
  co_return part;
}

void ApiPart::make_codes(const ApiSettings& settings, codes::CodeTables& tables, World world) {
  number_key_ = std::make_unique<azure::CachedSecret>(
      azure_->vault(), settings.service.number_secret_name, world.clock, world.executor);
  number_api_ = std::make_unique<codes::NumberApi>(settings.service.number_endpoint, *number_key_,
                                                   azure_->http("number_api"));
  const LimitSettings& limits = settings.limits;
  issues_ =
      std::make_unique<codes::RateLimiter>(world.clock, limits.caller_issues, limits.all_issues);
  failures_ = std::make_unique<codes::RateLimiter>(world.clock, limits.caller_failures,
                                                   limits.all_failures);
  queues_ = std::make_unique<azure::QueueShards>(azure_->queues(), world.clock);
  issuer_ = std::make_unique<codes::Issuer>(
      codes::Issuer::Dependencies{.number_api = *number_api_,
                                  .queues = *queues_,
                                  .table = observation_->table,
                                  .hasher = *hasher_,
                                  .callers = *issues_,
                                  .audit = observation_->audit,
                                  .clock = world.clock,
                                  .random = world.random,
                                  .metrics = &observation_->codes},
      codes::IssuerOptions{.rules = lifetime_rules(settings.service),
                           .limits = limits.table,
                           .message_base64 = settings.service.message_base64});
  verifier_ = std::make_unique<codes::Verifier>(
      codes::Verifier::Dependencies{.table = observation_->table,
                                    .hasher = *hasher_,
                                    .failures = *failures_,
                                    .audit = observation_->audit,
                                    .clock = world.clock,
                                    .metrics = &observation_->codes},
      limits.table);
  directory_ =
      std::make_unique<codes::CodeDirectory>(observation_->table, observation_->audit, world.clock);
  idempotency_ =
      std::make_unique<codes::Idempotency>(*tables.answers, *hasher_, world.clock, world.random);
}

Result<> ApiPart::make_gatekeeper(const ApiSettings& settings, World world) {
  const AccessSettings& access = settings.access;
  service::GatekeeperOptions options;
  options.open = access.open;
  if (!access.api_keys_secret_name.empty()) {
    api_keys_ = std::make_unique<azure::CachedSecret>(azure_->vault(), access.api_keys_secret_name,
                                                      world.clock, world.executor, kApiKeysMaxAge);
    options.api_keys = [keys = api_keys_.get()](bool refused) {
      return api_keys_text(*keys, refused);
    };
  }
  if (!access.audience.empty()) {
    auto tokens = azure::TokenValidator::create({.authority_host = access.authority_host,
                                                 .tenant_id = access.tenant_id,
                                                 .audiences = split_audiences(access.audience)},
                                                azure_->azure_http("identity"), world.clock,
                                                world.random, world.executor);
    if (!tokens) return fail(tokens.error());
    tokens_ = std::move(*tokens);
    options.bearer = [tokens = tokens_.get()](Secret token) {
      return check_bearer(*tokens, std::move(token));
    };
  }
  gatekeeper_ = std::make_unique<service::Gatekeeper>(std::move(options), observation_->audit);
  return {};
}

void ApiPart::make_readiness(World world) {
  readiness_ = std::make_unique<service::Readiness>(world.clock);
  readiness_->add("vault", [key = number_key_.get()] { return check_key(*key); });
  readiness_->add("queue", [queues = queues_.get()] { return queues->check(); });
  readiness_->add("table", [table = &observation_->table] { return check_table(*table); });
  readiness_->add("clock", [clock = &azure_->server_clock()] { return check_clock(*clock); });
}

Task<> ApiPart::stop(std::chrono::milliseconds grace) {
  if (server_) co_await server_->drain(grace);
  if (sign_in_) co_await sign_in_->stop();
  tasks_.cancel();
  co_await tasks_.join();
}

Task<Result<std::unique_ptr<WatchPart>>> WatchPart::start(ServiceSettings settings,
                                                          codes::CodeTable& table, Trust trust,
                                                          World world) {
  auto part = co_await make(settings, false, table, std::move(trust), world);
  if (!part) co_return part;
  for (auto& watcher : (*part)->watchers_) (*part)->tasks_.spawn("watcher", watcher->run());
  (*part)->tasks_.spawn("queue probe", (*part)->probe_->run());
  co_return part;
}

Task<Result<std::unique_ptr<WatchPart>>> WatchPart::start_for_host(ServiceSettings settings,
                                                                   codes::CodeTable& table,
                                                                   Trust trust, World world) {
  auto part = co_await make(settings, true, table, std::move(trust), world);
  if (part) (*part)->tasks_.spawn("sweep", (*part)->watchers_.front()->sweep());
  co_return part;
}

Task<Result<std::unique_ptr<WatchPart>>> WatchPart::make(const ServiceSettings& settings,
                                                         bool host_deletes, codes::CodeTable& table,
                                                         Trust trust, World world) {
  std::unique_ptr<WatchPart> part(new WatchPart(world.executor));
  auto base = co_await make_base(settings, "watcher", std::move(trust), world);
  if (!base) co_return fail(base.error());
  part->azure_ = std::move(base->azure);
  part->audit_ = std::move(base->audit);
  part->hasher_ = std::move(base->hasher);
  part->peppers_ = std::move(base->peppers);

  part->observation_ =
      std::make_unique<Observation>(table, *part->audit_, *part->azure_, "watcher", world);

  codes::WatcherOptions options;
  options.rules = lifetime_rules(settings);
  options.requeue = settings.requeue;
  options.accept_unissued = settings.accept_unissued;
  options.host_deletes = host_deletes;
  options.poll_max = settings.poll_max;
  options.poll_min = std::min(options.poll_min, options.poll_max);
  for (azure::QueueClient& queue : part->azure_->queues()) {
    part->watchers_.push_back(std::make_unique<codes::Watcher>(
        codes::Watcher::Dependencies{.queue = queue,
                                     .table = part->observation_->table,
                                     .hasher = *part->hasher_,
                                     .server_clock = part->azure_->server_clock(),
                                     .audit = part->observation_->audit,
                                     .clock = world.clock,
                                     .random = world.random,
                                     .executor = world.executor,
                                     .tracer = &world.tracer,
                                     .metrics = &part->observation_->codes},
        options));
    options.sweeps = false;  // The table is one, whatever the queues are.
  }
  part->tell_of_watcher(settings, world);
  part->tasks_.spawn("peppers", part->peppers_->run());
  co_return part;
}

/// Counts of all queues, the look at them from outside, and what /readyz asks.
void WatchPart::tell_of_watcher(const ServiceSettings& settings, World world) {
  std::vector<const codes::Watcher*> watchers;
  for (const auto& watcher : watchers_) watchers.push_back(watcher.get());
  show_watchers(std::move(watchers), world.metrics);
  probe_ = std::make_unique<codes::QueueProbe>(
      azure_->queues(), world.clock, world.metrics,
      codes::QueueProbeOptions{.interval = settings.queue_probe,
                               .rules = lifetime_rules(settings)});
  readiness_ = std::make_unique<service::Readiness>(world.clock);
  queues_ = std::make_unique<azure::QueueShards>(azure_->queues(), world.clock);
  readiness_->add("queue", [queues = queues_.get()] { return queues->check(); });
  readiness_->add("table", [table = &observation_->table] { return check_table(*table); });
  readiness_->add("clock", [clock = &azure_->server_clock()] { return check_clock(*clock); });
}

Task<> WatchPart::stop() {
  tasks_.cancel();
  co_await tasks_.join();
}

}  // namespace latchkey::app
