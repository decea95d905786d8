#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "cloud/cloud_impl.hpp"
#include "cloud/proxy/azure_names.hpp"
#include "http/url.hpp"

/// Function apps: how they come to the queues, and when they start and end.
namespace latchkey::cloud {

Result<wire::TokenAnswer> Cloud::Impl::queue_token(std::string_view app_identity,
                                                   std::string_view client_id) {
  const auto* identity = identities->by_name(app_identity);
  if (identity != nullptr && !client_id.empty() && identity->client_id != client_id) {
    const auto* other = identities->by_client_id(client_id);
    const bool may_use =
        other != nullptr &&
        std::ranges::find(identity->attached, other->object_id) != identity->attached.end();
    identity = may_use ? other : nullptr;
  }
  if (identity == nullptr) {
    return fail(ErrorKind::denied, "NoIdentity",
                client_id.empty()
                    ? fmt::format("there is no identity {}", app_identity)
                    : fmt::format("identity {} has no user-assigned identity with client id {}",
                                  app_identity, client_id));
  }
  return issuer->issue(*identity, "https://storage.azure.com",
                       TokenIssuer::kManagedIdentityLifetime);
}

bool Cloud::Impl::serves_queues_at(std::string_view endpoint) const {
  const auto url = http::parse_url(endpoint);
  if (!url) return false;
  if (http::is_loopback_host(url->host)) return url->port == queue_server->port();
  return azure_service(url->host) == AzureService::queue;
}

Task<Result<>> Cloud::start_function_app(FunctionAppOptions options) {
  auto* const impl = impl_.get();
  auto app = load_function_app(std::move(options.folder), std::move(options.environment));
  if (!app) co_return fail(app.error());
  for (const auto& other : impl->function_apps) {
    for (const auto& function : app->functions) {
      const bool is_taken = std::ranges::any_of(
          other->app().functions,
          [&](const FunctionJson& its) { return iequals(its.name, function.name); });
      if (!is_taken) continue;
      co_return fail(
          ErrorKind::invalid_argument, "FunctionExists",
          fmt::format("function apps {} and {} both have a function {}: the local cloud "
                      "has one functions host for all of them",
                      other->app().folder.string(), app->folder.string(), function.name));
    }
  }
  auto service = impl->exposed(FaultTarget::queue);
  QueueAccess queues{
      .service = std::move(service),
      .token = [impl, identity = std::move(options.identity)](
                   std::string_view client_id) { return impl->queue_token(identity, client_id); },
      .serves = [impl](std::string_view endpoint) { return impl->serves_queues_at(endpoint); }};
  FunctionAppRunner::World world{.clock = impl->clock,
                                 .random = impl->random,
                                 .executor = impl->executor,
                                 .queues = std::move(queues)};
  impl->function_apps.push_back(
      std::make_unique<FunctionAppRunner>(std::move(*app), std::move(world), *impl->functions));
  impl->function_apps.back()->start();
  co_return Result<>{};
}

/// Requests and messages that are worked on end first; they need handlers and all services.
Task<> Cloud::Impl::stop_function_apps(std::chrono::milliseconds grace) {
  if (function_apps.empty()) co_return;
  TaskGroup draining(executor);
  draining.spawn("drain", functions_server->drain(grace));
  for (const auto& app : function_apps) draining.spawn("drain", app->drain(grace));
  co_await draining.join();
  for (const auto& app : function_apps) draining.spawn("stop", app->stop());
  co_await draining.join();
}

}  // namespace latchkey::cloud
