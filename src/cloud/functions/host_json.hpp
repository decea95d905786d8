#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/functions/config_reader.hpp"

/// host.json of a function app: what this host obeys of it.
/// Source: "host.json reference for Azure Functions", "Azure Functions custom handlers", "Azure
/// Queue storage trigger: host.json settings".
namespace latchkey::cloud {

enum class MessageEncoding { base64, none };

struct QueueTriggerSettings {
  int batch_size = 16;  ///< messages in one Get, 1 to 32
  /// The next batch is fetched when no more than this many messages are worked on.
  int new_batch_threshold = 8;
  std::chrono::milliseconds polling_interval_max{60'000};
  std::chrono::milliseconds retry_delay{
      0};  ///< "visibilityTimeout": until a failed message is back
  int dequeue_count_max = 5;
  MessageEncoding encoding = MessageEncoding::base64;
};

struct HostJson {
  std::string executable;  ///< as written; not absolute: in the app's folder, else in PATH
  std::string working_folder;
  std::vector<std::string> arguments;
  /// Functions with an HTTP trigger and an HTTP output only get requests as they came.
  bool forwards_http = false;
  std::string route_prefix = "api";
  QueueTriggerSettings queues;
  /// Nullopt: none.
  std::optional<std::chrono::milliseconds> function_timeout = std::chrono::minutes{30};
};

HostJson read_host_json(std::string_view text, ConfigProblems& problems);

/// .NET's TimeSpan: "[days.]hours:minutes:seconds[.fraction]". Nullopt for anything else.
std::optional<std::chrono::milliseconds> parse_time_span(std::string_view text);

}  // namespace latchkey::cloud
