#pragma once

#include <memory>
#include <string>

#include "app/command_world.hpp"
#include "app/commands.hpp"
#include "azure/queue_client.hpp"

namespace latchkey::app {

/// Where the queue is and how we may enter: the environment's connection string or URL, unless
/// --data or --account names a local cloud's, whose operator we are then.
class QueueAccess {
 public:
  static Result<std::unique_ptr<QueueAccess>> open(const CommonOptions& common,
                                                   const QueueOptions& options, World world);
  azure::QueueClient& queue() { return *queue_; }

 private:
  QueueAccess() = default;
  Result<azure::QueueAddress> address(const Environment& environment, const QueueOptions& options,
                                      World world);
  std::unique_ptr<http::PooledClient> http_;
  std::unique_ptr<azure::TokenCredential> credential_;
  std::unique_ptr<azure::QueueClient> queue_;
};

}  // namespace latchkey::app
