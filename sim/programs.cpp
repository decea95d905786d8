#include "sim/programs.hpp"

#include "azure/queue_shards.hpp"
#include "azure/server_clock.hpp"
#include "base/log.hpp"
#include "codes/testing/fake_vault.hpp"
#include "http/testing/fake_http_client.hpp"

namespace latchkey::sim {
namespace {

/// What every program needs: the table, and the queue through a client that watches its clock.
struct Base {
  Base(const Setup& setup, World& world, Machine& machine)
      : table(setup.table(world, machine)),
        edge(world, machine),
        server_clock(machine.clock(),
                     setup.ignores_dates ? std::chrono::hours{24} : setup.rules.clock_error_max),
        dated(edge, server_clock, machine.clock()),
        queue(queue_address(), dated, machine.clock(), world.random, setup.retry),
        queues({queue}, machine.clock()) {}
  std::unique_ptr<codes::CodeTable> table;
  QueueEdge edge;
  azure::ServerClock server_clock;
  azure::DatedClient dated;
  azure::QueueClient queue;
  azure::QueueShards queues;
};

class OurApi final : public Api {
 public:
  OurApi(const Setup& setup, World& world, Machine& machine)
      : base_(setup, world, machine),
        key_(vault_, "third-party-api-key", machine.clock(), machine.executor()),
        numbers_(http::parse_url("https://numbers.example/api/RandomNumber").value(), key_,
                 number_http_),
        callers_(machine.clock(), {}, {}),
        issuer_({numbers_, base_.queues, *base_.table, world.hasher, callers_, world,
                 machine.clock(), world.random},
                {.rules = setup.rules, .limits = setup.limits}),
        directory_(*base_.table, world, machine.clock()) {
    number_http_.answer_with([](const http::ClientRequest&) -> Result<http::Response> {
      return http::json_response(200, R"({"value":161})");
    });
  }
  Task<Result<codes::IssuedCode>> issue(codes::IssueRequest request) override {
    return issuer_.issue(std::move(request));
  }
  Task<Result<codes::CodeDirectory::Revoked>> revoke(std::string id) override {
    return directory_.revoke(std::move(id), "operator");
  }
  Task<Result<std::int64_t>> revoke_subject(std::string subject) override {
    return directory_.revoke_subject(std::move(subject), std::nullopt, "operator");
  }

 private:
  Base base_;
  http::testing::FakeHttpClient number_http_;
  codes::testing::FakeVault vault_{"function-key"};
  azure::CachedSecret key_;
  codes::NumberApi numbers_;
  codes::RateLimiter callers_;
  codes::Issuer issuer_;
  codes::CodeDirectory directory_;
};

class OurWatcher final : public Program {
 public:
  OurWatcher(const Setup& setup, World& world, Machine& machine)
      : base_(setup, world, machine),
        watcher_({base_.queue, *base_.table, world.hasher, base_.server_clock, world,
                  machine.clock(), world.random, machine.executor()},
                 setup.watcher) {}
  Task<> main() override { return watcher_.run(); }

 private:
  Base base_;
  codes::Watcher watcher_;
};

/// A clock that shows the same time for ever: what a verifier without its second look knows.
class StoppedClock final : public Clock {
 public:
  explicit StoppedClock(Clock& clock) : clock_(clock), now_(clock.now()) {}
  UtcTime now() const override { return now_; }
  SteadyTime steady_now() const override { return clock_.steady_now(); }
  Task<> sleep_until(SteadyTime when) override { return clock_.sleep_until(when); }

 private:
  Clock& clock_;
  UtcTime now_;
};

class OurSignIn final : public SignIn {
 public:
  OurSignIn(const Setup& setup, World& world, Machine& machine)
      : setup_(setup),
        world_(world),
        machine_(machine),
        table_(setup.table(world, machine)),
        failures_(machine.clock(), {}, {}),
        verifier_({*table_, world.hasher, failures_, world, machine.clock()}, setup.limits) {}
  Task<Result<codes::VerifyAnswer>> verify(codes::VerifyRequest request) override {
    if (setup_.logs_codes) log::info("verify", {{"code", request.code.reveal()}});
    if (setup_.verifier_looks_once) return verify_looking_once(std::move(request));
    return verifier_.verify(std::move(request));
  }

 private:
  Task<Result<codes::VerifyAnswer>> verify_looking_once(codes::VerifyRequest request) {
    StoppedClock stopped(machine_.clock());
    codes::Verifier verifier({*table_, world_.hasher, failures_, world_, stopped}, setup_.limits);
    co_return co_await verifier.verify(std::move(request));
  }

  const Setup& setup_;
  World& world_;
  Machine& machine_;
  std::unique_ptr<codes::CodeTable> table_;
  codes::RateLimiter failures_;
  codes::Verifier verifier_;
};

}  // namespace

std::unique_ptr<Program> our_program(const Setup& setup, World& world, Machine& machine) {
  switch (machine.role) {
    case Machine::Role::api:
      return std::make_unique<OurApi>(setup, world, machine);
    case Machine::Role::watcher:
      return std::make_unique<OurWatcher>(setup, world, machine);
    case Machine::Role::verifier:
      break;
  }
  return std::make_unique<OurSignIn>(setup, world, machine);
}

}  // namespace latchkey::sim
