#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cloud/functions/app_queues.hpp"
#include "cloud/functions/custom_handler.hpp"
#include "cloud/functions/function_app.hpp"
#include "cloud/functions/functions_host.hpp"
#include "cloud/functions/invocation.hpp"
#include "cloud/functions/queue_trigger.hpp"
#include "http/client.hpp"

namespace latchkey::cloud {

/// A function app that runs: its handler, its functions in the functions host, its queue triggers.
/// All on one thread.
class FunctionAppRunner {
 public:
  struct World {
    Clock& clock;
    Random& random;
    Executor executor;
    QueueAccess queues;
  };
  /// `host` must outlive this object, and this the requests that come to the host.
  FunctionAppRunner(FunctionApp app, World world, FunctionsHost& host);
  ~FunctionAppRunner();

  /// Starts handler and triggers; returns at once. Requests that come too early wait for the
  /// handler.
  void start();
  const FunctionApp& app() const { return app_; }
  /// Takes no more messages, lets what runs end within `grace`.
  Task<> drain(std::chrono::milliseconds grace);
  /// Ends the handler. After `drain`, and when no request comes any more.
  Task<> stop();

 private:
  void add(const FunctionJson& function);
  Task<http::Response> answer_http(const FunctionJson& function, const FunctionRoute& route,
                                   const http::Request& request);
  Task<Result<http::Response>> forward(const http::Request& request);
  Task<http::Response> run_by_hand(const FunctionJson& function, const http::Request& request);
  Task<Result<http::Response>> invoke(const FunctionJson& function, std::string json);
  Task<Result<>> run_message(const FunctionJson& function, const wire::QueueMessage& message);
  Task<Result<>> put_all(std::vector<QueuedOutput> messages);

  const FunctionApp app_;
  World world_;
  FunctionsHost& host_;
  http::PooledClient client_;
  CustomHandler handler_;
  std::map<std::string, FunctionRoute> routes_;               ///< by function
  std::map<std::string, std::unique_ptr<AppQueues>> queues_;  ///< by connection name
  std::vector<std::unique_ptr<QueueTrigger>> triggers_;
};

}  // namespace latchkey::cloud
