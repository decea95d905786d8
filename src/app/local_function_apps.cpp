#include <fmt/format.h>

#include "app/app_environment.hpp"
#include "app/local_cloud.hpp"
#include "app/names.hpp"

/// `--functions-app` of `latchkey up` and `latchkey cloud`.
namespace latchkey::app {
namespace {

cloud::AppSettings environment_of_app(const RunningCloud& running, const cloud::Identity& identity,
                                      const Environment& own) {
  const AppIdentity as{.name = identity.name,
                       .client_id = identity.client_id,
                       .identity_header = identity.identity_header};
  cloud::AppSettings settings = proxy_environment(running, as).all();
  for (const auto& [name, value] : own.all()) {
    if (!is_withheld(name)) settings.try_emplace(name, value);
  }
  return settings;
}

}  // namespace

Task<Result<std::vector<std::string>>> LocalCloud::start_function_apps(
    std::vector<std::string> apps, Environment own) {
  for (const std::string& app : apps) {
    const auto at = app.rfind('=');
    std::string identity = at == std::string::npos ? kAppIdentity : app.substr(at + 1);
    auto started = co_await start_function_app(app.substr(0, at), std::move(identity), own);
    if (!started) co_return fail(started.error());
  }
  co_return function_addresses();
}

Task<Result<>> LocalCloud::start_function_app(std::string folder, std::string identity,
                                              Environment own) {
  auto made = co_await cloud_->ensure_identity(std::move(identity));
  if (!made) co_return fail(made.error());
  running_.identities[made->name] = {made->client_id, made->object_id, made->identity_header};
  if (auto written = write_identities(running_); !written) co_return written;
  cloud::FunctionAppOptions options{.folder = std::move(folder),
                                    .identity = made->name,
                                    .environment = environment_of_app(running_, *made, own)};
  auto starting = cloud_->start_function_app(std::move(options));
  co_return co_await std::move(starting);
}

std::vector<std::string> LocalCloud::function_addresses() const {
  std::vector<std::string> lines;
  for (const auto* function : cloud_->functions().list()) {
    std::string how = "no HTTP trigger";
    if (function->is_disabled) {
      how = "disabled";
    } else if (!function->methods.empty()) {
      how = fmt::format("{}/{}", cloud_->endpoints().functions, function->route);
    }
    lines.push_back(fmt::format("{:<17} {}", function->name, how));
  }
  return lines;
}

}  // namespace latchkey::app
