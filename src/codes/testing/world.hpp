#pragma once

#include <memory>
#include <string>

#include "azure/queue_shards.hpp"
#include "base/testing/await.hpp"
#include "base/testing/manual_clock.hpp"
#include "base/testing/seeded_random.hpp"
#include "codes/issuer.hpp"
#include "codes/message.hpp"
#include "codes/sqlite_code_table.hpp"
#include "codes/testing/audit_capture.hpp"
#include "codes/testing/fake_queues.hpp"
#include "codes/testing/fake_vault.hpp"
#include "codes/testing/table_contents.hpp"
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
  Issuer::Dependencies for_issuer() {
    return {number_api, queues_of_issuer, table, hasher, unlimited, audit, clock, random};
  }
  Verifier::Dependencies for_verifier() { return {table, hasher, unlimited, audit, clock}; }
  Watcher::Dependencies for_watcher() {
    return {queue, table, hasher, server_clock, audit, clock, random, context.get_executor()};
  }
  Result<IssuedCode> issue(Binding binding = {}) {
    return await(context, issuer.issue({.binding = std::move(binding), .caller = "tester"}));
  }
  /// With the answer whole, for requests of any kind.
  VerifyAnswer verify(VerifyRequest request) {
    return await(context, verifier.verify(std::move(request))).value();
  }
  Verdict verify(const Secret& code, Binding binding = {}) {
    return verify({.code = code, .binding = std::move(binding), .caller = "tester"}).verdict;
  }
  std::size_t watch(Watcher& watcher) { return await(context, watcher.run_once()).value(); }
  CodeKeys keys(const Secret& code) const { return hasher.hash_all(code.reveal(), clock.now()); }
  std::optional<CodeRow> row(const Secret& code) {
    return await(context, store->find(keys(code))).value();
  }
  TableContents take_out() { return testing::take_out(context, *store); }
  std::vector<FakeQueues::Message>& messages() { return queues.messages(kQueue); }

  IoContext context;
  latchkey::testing::ManualClock clock;
  latchkey::testing::SeededRandom random;
  FakeQueues queues;
  azure::QueueClient queue{address(kQueue), queues, clock, random, {.attempts_max = 1}};
  azure::QueueShards queues_of_issuer{{queue}, clock};
  http::testing::FakeHttpClient number_http;
  FakeVault vault{"function-key"};
  azure::CachedSecret key{vault, "third-party-api-key", clock, context.get_executor()};
  NumberApi number_api{http::parse_url("https://numbers.example/api/RandomNumber").value(), key,
                       number_http};
  CodeTables tables = open_sqlite_tables({}).value();
  CodeTable* store = tables.codes.get();
  TableWrapper table{*store};
  CodeHasher hasher{Secret("pepper"), "v1"};
  IssuerOptions options{};
  azure::ServerClock server_clock{clock, options.rules.clock_error_max};
  RateLimiter unlimited{clock, {.count = 0}, {.count = 0}};
  AuditCapture audit;
  Issuer issuer{for_issuer(), options};
  Verifier verifier{for_verifier(), options.limits};
};

}  // namespace latchkey::codes::testing
