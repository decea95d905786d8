#pragma once

#include <memory>
#include <string>

#include "azure/queue_client.hpp"
#include "base/testing/await.hpp"
#include "base/testing/manual_clock.hpp"
#include "base/testing/seeded_random.hpp"
#include "codes/issuer.hpp"
#include "codes/message.hpp"
#include "codes/sqlite_code_table.hpp"
#include "codes/testing/fake_queues.hpp"
#include "codes/testing/fake_vault.hpp"
#include "codes/testing/table_wrapper.hpp"
#include "codes/verifier.hpp"
#include "codes/watcher.hpp"
#include "http/testing/fake_http_client.hpp"

namespace latchkey::codes::testing {

using latchkey::testing::await;

inline constexpr const char* kQueue = "code-requests";

/// All that a code meets in its life: clock, number API, vault, queues and table, in one process.
struct World {
  explicit World(std::uint64_t seed = 1) : random(seed), queues(clock, random) {
    queues.messages(kQueue);
    number_http.answer_with([](const http::ClientRequest&) -> Result<http::Response> {
      return http::json_response(200, R"({"value":161})");
    });
  }

  /// An address with a SAS, so that no token is needed.
  static azure::QueueAddress address(const std::string& queue) {
    const std::string url = "https://store.queue.core.windows.net/" + queue + "?sv=x&sig=y";
    return azure::queue_address_from_url(url, nullptr).value();
  }
  Watcher::Dependencies for_watcher() {
    return {queue, table, hasher, clock, random, context.get_executor()};
  }
  Result<IssuedCode> issue(Binding binding = {}) {
    return await(context, issuer.issue(std::move(binding)));
  }
  Verdict verify(const Secret& code, Binding binding = {}) {
    return await(context, verifier.verify(code, std::move(binding))).value();
  }
  std::size_t watch(Watcher& watcher) { return await(context, watcher.run_once()).value(); }
  std::optional<CodeRow> row(const Secret& code) {
    return await(context, store->find(hasher.hash(code.reveal()))).value();
  }
  std::vector<FakeQueues::Message>& messages() { return queues.messages(kQueue); }

  IoContext context;
  latchkey::testing::ManualClock clock;
  latchkey::testing::SeededRandom random;
  FakeQueues queues;
  azure::QueueClient queue{address(kQueue), queues, clock, random, {.attempts_max = 1}};
  http::testing::FakeHttpClient number_http;
  FakeVault vault{"function-key"};
  azure::CachedSecret key{vault, "third-party-api-key", clock, context.get_executor()};
  NumberApi number_api{http::parse_url("https://numbers.example/api/RandomNumber").value(), key,
                       number_http};
  std::unique_ptr<CodeTable> store = open_sqlite_code_table({}).value();
  TableWrapper table{*store};
  CodeHasher hasher{Secret("pepper"), "v1"};
  LifetimeRules rules{};
  Issuer issuer{{number_api, queue, table, hasher, clock, random}, rules};
  Verifier verifier{table, hasher, clock};
};

}  // namespace latchkey::codes::testing
