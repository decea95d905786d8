#include <memory>

#include "app/names.hpp"
#include "app/subcommand.hpp"

namespace latchkey::app {
namespace {

constexpr int kWeek = 604'800;

using Options = std::shared_ptr<QueueOptions>;

CLI::App* add(CLI::App& queue, Run& chosen, const Options& options, const char* name,
              const char* help) {
  return command(queue, chosen, name, help, [options, name](const CommonOptions& common) {
    options->action = name;
    return run_queue(common, *options);
  });
}

void take_visibility(CLI::App* made, const Options& options, int least, const char* help) {
  made->add_option("--visibility-timeout", options->visibility_seconds, help)
      ->check(CLI::Range(least, kWeek));
}

void add_messages(CLI::App& queue, Run& chosen, const Options& options) {
  auto* peek =
      add(queue, chosen, options, "peek", "Show visible messages and leave them as they are");
  auto* get = add(queue, chosen, options, "get", "Take messages: hides them and counts");
  for (auto* made : {peek, get}) {
    made->add_option("--count", options->count, "How many, 1 to 32")
        ->check(CLI::Range(1, 32))
        ->capture_default_str();
  }
  take_visibility(get, options, 1, "Seconds that a taken message stays hidden; else 30");

  auto* put = add(queue, chosen, options, "put", "Put a message");
  put->add_option("text", options->text, "Its text; - reads standard input")->required();
  take_visibility(put, options, 0, "Seconds until it can be seen; else 0");
  put->add_option("--time-to-live", options->time_to_live_seconds,
                  "Seconds until it is gone, -1 for never; else 7 days");

  auto* update = add(queue, chosen, options, "update", "Hide or show a taken message anew");
  auto* remove = add(queue, chosen, options, "remove", "Delete a taken message");
  for (auto* made : {update, remove}) {
    made->add_option("id", options->id, "The message's id, as get shows it")->required();
    made->add_option("pop_receipt", options->pop_receipt, "The receipt of the last get or update")
        ->required();
  }
  take_visibility(update, options, 0, "Seconds from now that it stays hidden; else 0");
  update->add_option("--text", options->text, "Its new text; - reads standard input");
}

}  // namespace

void add_queue_commands(CLI::App& app, Run& chosen) {
  auto options = std::make_shared<QueueOptions>();
  options->queue = kQueueName;
  auto* queue = app.add_subcommand("queue", "Look into a queue and manage it");
  queue->fallthrough();
  queue->add_option("--queue", options->queue, "The queue's name")->capture_default_str();
  queue->add_option("--account", options->account, "A storage account of the local cloud");
  queue->add_flag("--json", options->json, "Print JSON");
  add(*queue, chosen, options, "list", "List the account's queues")
      ->add_option("--prefix", options->prefix, "Only names that begin so");
  add(*queue, chosen, options, "stats", "How many messages there are");
  add_messages(*queue, chosen, options);
  add(*queue, chosen, options, "clear", "Delete all messages");
  add(*queue, chosen, options, "create", "Create the queue");
  add(*queue, chosen, options, "delete", "Delete the queue and its messages");
}

}  // namespace latchkey::app
