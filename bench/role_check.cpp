#include <fmt/format.h>

#include <chrono>

#include "cloud/identity/role_index.hpp"

// What one role check costs with 10,000 assignments: 100 principals, each with 100 queues.
int main() {
  using latchkey::cloud::RoleIndex;
  const latchkey::cloud::RoleDefinitions definitions;
  RoleIndex index(definitions);
  const std::string account =
      "/subscriptions/5ab5c410-0000-4000-8000-000000000000/resourceGroups/latchkey/providers/"
      "Microsoft.Storage/storageAccounts/devstoreaccount1/queueServices/default/queues/queue-";
  const auto slot = definitions.slot_of("8a0f0c08-91a1-4084-bc3d-661d67233fed").value();
  const auto principal = [](int i) { return fmt::format("aaaaaaaa-0000-4000-8000-{:012}", i); };
  for (int i = 0; i < 10'000; ++i) {
    index.add({principal(i / 100), account + std::to_string(i % 100), slot});
  }
  const latchkey::wire::Requirement take{{latchkey::wire::queue_actions::kMessagesProcess},
                                         {latchkey::wire::queue_actions::kMessagesRead,
                                          latchkey::wire::queue_actions::kMessagesDelete}};
  constexpr int kChecks = 1'000'000;
  int allowed = 0;
  const auto who = principal(42);
  const auto there = account + "17";
  const auto elsewhere = account + "x";
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kChecks; ++i) {
    allowed += index.allowed(RoleIndex::Plane::data, who, take, i % 2 == 0 ? there : elsewhere);
  }
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
  fmt::print("role check: {:.0f} ns ({} of {} allowed)\n", took.count() / kChecks, allowed,
             kChecks);
  return allowed == kChecks / 2 ? 0 : 1;
}
