#include "cloud/functions/function_app.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/file.hpp"
#include "base/process.hpp"
#include "base/text.hpp"
#include "cloud/functions/function_route.hpp"

namespace latchkey::cloud {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> refuse(const FunctionApp& app, std::string_view what) {
  return fail(ErrorKind::invalid_argument, "InvalidFunctionApp",
              fmt::format("function app {}: {}", app.folder.string(), what));
}

Result<> find_executable(FunctionApp& app) {
  app.working_folder = app.folder / app.host.working_folder;
  const fs::path written = app.host.executable;
  app.executable = app.folder / written;  // `written` itself when it is absolute
  std::error_code ignored;
  if (fs::is_regular_file(app.executable, ignored)) return {};
  const auto path = app.settings.find("PATH");
  const auto found = written.has_parent_path() || path == app.settings.end()
                         ? std::nullopt
                         : find_program(written.string(), path->second);
  if (!found) {
    return refuse(app, fmt::format("host.json: customHandler.description.defaultExecutablePath "
                                   "\"{}\" is neither in the folder nor in PATH",
                                   written.string()));
  }
  app.executable = *found;
  return {};
}

Result<> read_functions(FunctionApp& app, ConfigProblems& problems) {
  std::vector<fs::path> folders;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(app.folder, problem)) {
    if (entry.is_directory(problem)) folders.push_back(entry.path());
  }
  std::ranges::sort(folders);
  for (const auto& folder : folders) {
    auto file = read_file_if_any(folder / "function.json");
    if (!file) return fail(file.error());
    if (!*file) continue;
    app.functions.push_back(
        read_function_json(folder.filename().string(), (*file)->text, app.settings, problems));
  }
  if (app.functions.empty()) problems.refuse("no folder here", "has a function.json");
  return {};
}

void check_routes(const FunctionApp& app, ConfigProblems& problems) {
  for (const auto& function : app.functions) {
    if (!function.http) continue;
    const auto route = FunctionRoute::parse(app.host.route_prefix + "/" + function.http->route);
    if (!route) problems.refuse(function.name + "/function.json: route", route.error().message);
  }
}

}  // namespace

Result<FunctionApp> load_function_app(fs::path folder, AppSettings environment) {
  FunctionApp app;
  std::error_code problem;
  app.folder = fs::canonical(folder, problem);
  if (problem) {
    app.folder = std::move(folder);
    return refuse(app, problem.message());
  }
  app.settings = std::move(environment);
  ConfigProblems problems;
  auto host = read_file_if_any(app.folder / "host.json");
  if (!host) return fail(host.error());
  if (!*host) return refuse(app, "there is no host.json");
  app.host = read_host_json((*host)->text, problems);
  auto local = read_file_if_any(app.folder / "local.settings.json");
  if (!local) return fail(local.error());
  if (*local) add_local_settings((*local)->text, app.settings, problems);
  if (auto read = read_functions(app, problems); !read) return fail(read.error());
  const auto runtime = app.settings.find("FUNCTIONS_WORKER_RUNTIME");
  if (runtime == app.settings.end()) {
    problems.warn("setting FUNCTIONS_WORKER_RUNTIME", "is missing: Azure needs it to be custom");
  } else if (!iequals(runtime->second, "custom")) {
    problems.refuse("setting FUNCTIONS_WORKER_RUNTIME", "must be custom");
  }
  check_routes(app, problems);
  if (problems.error) return refuse(app, problems.error->message);
  app.warnings = std::move(problems.warnings);
  if (auto found = find_executable(app); !found) return fail(found.error());
  return app;
}

}  // namespace latchkey::cloud
