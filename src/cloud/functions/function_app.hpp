#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cloud/functions/app_settings.hpp"
#include "cloud/functions/function_json.hpp"
#include "cloud/functions/host_json.hpp"

namespace latchkey::cloud {

/// A function app as its folder says it.
struct FunctionApp {
  std::filesystem::path folder;  ///< absolute
  HostJson host;
  AppSettings settings;  ///< the handler's environment
  std::filesystem::path executable;
  std::filesystem::path working_folder;
  std::vector<FunctionJson> functions;  ///< in the order of names
  std::vector<std::string> warnings;    ///< what is in its files and makes no difference here
};

/// Reads host.json, local.settings.json (which need not be there) and */function.json.
/// `environment`: what the app's settings join; PATH in it finds an executable that is not in the
/// folder. Error: invalid_argument, naming file and field; storage.
Result<FunctionApp> load_function_app(std::filesystem::path folder, AppSettings environment);

}  // namespace latchkey::cloud
