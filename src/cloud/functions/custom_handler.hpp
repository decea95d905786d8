#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/child_process.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "cloud/functions/function_app.hpp"
#include "http/client.hpp"

namespace latchkey::cloud {

/// A function app's handler: its program, started again whenever it ends, and the calls to it. It
/// is told its port by FUNCTIONS_CUSTOMHANDLER_PORT and is ready when GET / gets any answer.
/// Source: "Azure Functions custom handlers"; azure-functions-host, HttpWorkerProcess.
class CustomHandler {
 public:
  static constexpr std::chrono::seconds kStartLimit{30};
  /// Before it is started again: doubled each time, back to the first when it had become ready.
  static constexpr std::chrono::seconds kRestartDelayMin{1};
  static constexpr std::chrono::seconds kRestartDelayMax{30};
  static constexpr std::chrono::seconds kStopGrace{5};

  struct World {
    Clock& clock;
    Random& random;
    Executor executor;
    http::HttpClient& client;
  };
  /// The references must outlive this object.
  CustomHandler(const FunctionApp& app, World world);
  ~CustomHandler();

  void start();
  bool is_ready() const { return ready_; }
  /// Sends it to the handler, with a path and no host in `request.url`, and the headers that tell
  /// of an invocation. Waits until the handler is ready. Errors: unavailable (code
  /// "HandlerNotReady"), and those of HttpClient.
  Task<Result<http::Response>> call(http::ClientRequest request, std::string invocation_id);
  /// POST /FUNCTION with JSON.
  Task<Result<http::Response>> invoke(std::string function, std::string json,
                                      std::string invocation_id);
  /// SIGTERM, then SIGKILL after kStopGrace.
  Task<> stop();

 private:
  Task<> keep_running();
  Task<bool> run_once();
  Task<> watch_start(std::uint16_t port);
  Task<> kill_late();
  ChildOptions child_options(std::uint16_t port) const;
  http::ClientRequest to_handler(std::uint16_t port) const;

  const FunctionApp& app_;
  World world_;
  const std::string name_;
  const std::string worker_id_;
  std::unique_ptr<ChildProcess> process_;
  std::uint16_t port_ = 0;
  bool ready_ = false;
  bool stopping_ = false;
  TaskGroup keeper_;    ///< keep_running
  TaskGroup starting_;  ///< watch_start
};

}  // namespace latchkey::cloud
