#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/functions/app_settings.hpp"
#include "cloud/functions/config_reader.hpp"
#include "cloud/functions/function_keys.hpp"
#include "http/message.hpp"

/// function.json: one function's trigger and outputs. Served are httpTrigger, queueTrigger, http
/// and queue outputs; anything else is an error that names file and field. Source: "Azure Functions
/// triggers and bindings", the schema json.schemastore.org/function.
namespace latchkey::cloud {

struct HttpTrigger {
  AuthLevel level = AuthLevel::function;
  std::vector<http::Method> methods;
  std::string route;  ///< without the prefix; the function's name unless it says another
};

struct QueueBinding {
  std::string name;   ///< of the binding; "$return" for outputs: the answer's ReturnValue
  std::string queue;  ///< lower case, as the real host has it
  std::string connection;
  bool is_binary = false;  ///< dataType
};

inline constexpr std::string_view kReturnBinding = "$return";

struct FunctionJson {
  std::string name;
  bool disabled = false;
  std::string trigger;  ///< the trigger binding's name
  std::optional<HttpTrigger> http;
  std::optional<QueueBinding> queue;
  std::optional<std::string> http_output;  ///< the binding's name
  std::vector<QueueBinding> queue_outputs;

  /// An HTTP trigger with an HTTP output and nothing else: its requests can be forwarded.
  bool is_plain_http() const { return http && http_output && queue_outputs.empty(); }
};

FunctionJson read_function_json(std::string name, std::string_view text,
                                const AppSettings& settings, ConfigProblems& problems);

/// A letter, then letters, digits, '-' and '_', up to 128; not "host".
bool is_function_name(std::string_view name);

}  // namespace latchkey::cloud
