#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "cloud/functions/app_queues.hpp"
#include "cloud/functions/host_json.hpp"
#include "wire/queue_xml.hpp"

namespace latchkey::cloud {

/// A queue trigger: fetches messages, has the function run for each, and deletes those that went
/// well. A message is hidden for ten minutes, again each five while its function runs. One whose
/// function failed is back after the app's visibilityTimeout; at the fifth failure
/// (maxDequeueCount) it is copied to QUEUE-poison and deleted. No message is deleted before it was
/// run or copied. Source: "Azure Queue storage trigger for Azure Functions"; azure-webjobs-sdk,
/// QueueListener and QueueProcessor.
class QueueTrigger {
 public:
  static constexpr std::chrono::minutes kLease{10};
  /// How often it looks whether the handler is ready, there is room for a batch, a lease renewed.
  static constexpr std::chrono::milliseconds kRoomInterval{10};

  struct Options {
    std::string function;
    std::string queue;
    QueueTriggerSettings settings;
  };
  /// Runs the function; an error is the function's failure.
  using Run = std::function<Task<Result<>>(const wire::QueueMessage& message)>;
  using IsReady = std::function<bool()>;
  struct World {
    Clock& clock;
    Random& random;
    Executor executor;
    AppQueues& queues;
  };
  /// What the references and functions refer to must outlive this object.
  QueueTrigger(Options options, World world, Run run, IsReady is_ready);

  void start();
  /// Fetches no more; waits for what runs, at most for `grace`. What is cancelled then comes back
  /// by itself when its lease has ended.
  Task<> drain(std::chrono::milliseconds grace);

 private:
  Task<> poll();
  /// How many messages there were.
  Task<std::size_t> fetch();
  /// A message that is worked on.
  struct Active {
    wire::QueueMessage message;
    SteadyTime renew_at;
    bool is_renewing = false;
  };
  Task<> process(std::shared_ptr<Active> active);
  Task<> keep_hidden();
  Task<> renew(std::shared_ptr<Active> active);
  Task<> finish(wire::QueueMessage message, bool succeeded);
  Task<> make_poison(wire::QueueMessage message);
  Task<> cancel_after(std::chrono::milliseconds grace);
  void tell_fetch_problem(const Error* error);
  void tell_problem(const char* event, const Error& error);
  bool has_poison_queue() const;

  const Options options_;
  World world_;
  const Run run_;
  const IsReady is_ready_;
  std::set<std::shared_ptr<Active>> active_;
  std::string last_problem_;  ///< of fetching; told once, not at each poll
  TaskGroup polling_;
  TaskGroup hiding_;
  TaskGroup running_;
};

}  // namespace latchkey::cloud
