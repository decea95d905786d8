#include <algorithm>

#include "azure/queue_client.hpp"

namespace latchkey::azure {
namespace {

constexpr StorageResource kQueueResource{
    .noun = "queue",
    .host_part = ".queue.",
    .name_rule = "3 to 63 lower-case letters, digits and single hyphens",
    .example = "https://ACCOUNT.queue.core.windows.net/QUEUE",
    .service = wire::StorageService::queue,
    .is_name = is_queue_name};

}  // namespace

bool is_queue_name(std::string_view text) {
  constexpr std::size_t kMin = 3;
  constexpr std::size_t kMax = 63;
  if (text.size() < kMin || text.size() > kMax) return false;
  if (text.front() == '-' || text.back() == '-') return false;
  if (text.find("--") != std::string_view::npos) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

Result<QueueAddress> queue_address_from_url(std::string_view text, TokenCredential* credential) {
  return storage_address_from_url(text, credential, kQueueResource);
}

Result<QueueAddress> queue_address_from_connection_string(std::string_view text,
                                                          std::string_view queue) {
  return storage_address_from_connection_string(text, queue, kQueueResource);
}

}  // namespace latchkey::azure
