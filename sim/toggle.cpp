#include "sim/toggle.hpp"

#include "codes/message.hpp"

namespace latchkey::sim {
namespace {
using std::chrono::seconds;

struct Base {
  Base(const Setup& setup_in, World& world_in, Machine& machine_in, ToggleTable& table_in)
      : setup(setup_in),
        world(world_in),
        machine(machine_in),
        table(table_in),
        edge(world, machine),
        queue(queue_address(), edge, machine.clock(), world.random, setup.retry) {}

  /// Removes the code if it is there, else says so: one call, as atomic as it gets. What is on its
  /// way outlives the process that asked.
  Task<Result<bool>> remove(Life life, const char* name) {
    std::function<Result<bool>()> effect = [in = &world, rows = &table, by = machine.number, life,
                                            name, asked = world.timeline.now()]() -> Result<bool> {
      const auto found = rows->find(life);
      if (found == rows->end()) return false;
      const UtcTime expires = found->second;
      rows->erase(found);
      in->note_row(life, std::nullopt, expires, name, by, asked);
      return true;
    };
    return world.network.call<bool>(machine, TableEdge::kTimeout, std::move(effect));
  }
  Task<Result<bool>> add(Life life, UtcTime expires) {
    std::function<Result<bool>()> effect = [in = &world, rows = &table, by = machine.number, life,
                                            expires,
                                            asked = world.timeline.now()]() -> Result<bool> {
      (*rows)[life] = expires;
      in->note_row(life, codes::CodeState::valid, expires, "add", by, asked);
      return true;
    };
    return world.network.call<bool>(machine, TableEdge::kTimeout, std::move(effect));
  }

  const Setup& setup;
  World& world;
  Machine& machine;
  ToggleTable& table;
  QueueEdge edge;
  azure::QueueClient queue;
};

class ToggleApi final : public Api, Base {
 public:
  using Base::Base;
  Task<Result<codes::IssuedCode>> issue(codes::IssueRequest) override {
    codes::IssuedCode issued;
    issued.code = codes::make_code(161, world.random);
    issued.issued = machine.clock().now();
    issued.expires = issued.issued + setup.rules.lifetime;
    std::string text = codes::render_message({issued.code, issued.issued});
    auto put = co_await queue.put(std::move(text));
    if (!put) co_return fail(std::move(put.error()));
    co_return issued;
  }
  Task<Result<codes::CodeDirectory::Revoked>> revoke(std::string) override {
    co_return codes::CodeDirectory::Revoked::unknown;
  }
  Task<Result<std::int64_t>> revoke_subject(std::string) override { co_return 0; }
};

class ToggleWatcher final : public Program, Base {
 public:
  using Base::Base;
  Task<> main() override {
    for (;;) {
      azure::GetOptions how;
      how.count = 32;
      how.visibility_timeout = std::chrono::duration_cast<seconds>(setup.watcher.work_visibility);
      auto messages = co_await queue.get(how);
      if (messages) {
        for (std::size_t i = 0; i < messages->size(); ++i) co_await visit(&(*messages)[i]);
      }
      co_await machine.clock().sleep_for(setup.watcher.poll_max);
    }
  }

 private:
  Task<> visit(const wire::QueueMessage* message) {
    const auto content = codes::parse_message(message->text);
    if (!content) co_return;
    const Life life = world.life_of(content->code.reveal());
    const UtcTime expires = content->timestamp + setup.rules.lifetime;
    auto removed = co_await remove(life, "toggle");
    if (!removed) co_return;
    if (!*removed) {
      auto added = co_await add(life, expires);
      if (!added) co_return;
      azure::PutOptions options;
      options.visibility_timeout = std::chrono::ceil<seconds>(setup.rules.lifetime);
      auto put = co_await queue.put(message->text, options);
      if (!put) co_return;
    }
    auto done = co_await queue.remove_message(message->id, message->pop_receipt);
    (void)done.has_value();
  }
};

class ToggleSignIn final : public SignIn, Base {
 public:
  using Base::Base;
  Task<Result<codes::VerifyAnswer>> verify(codes::VerifyRequest request) override {
    const Life life = world.life_of(request.code.reveal());
    auto taken = co_await remove(life, "attempt");
    if (!taken) co_return fail(std::move(taken.error()));
    codes::VerifyAnswer answer;
    if (*taken) answer.verdict = codes::Verdict::accepted;
    co_return answer;
  }
};

}  // namespace

std::unique_ptr<Program> toggle_program(const Setup& setup, World& world, Machine& machine,
                                        ToggleTable& table) {
  switch (machine.role) {
    case Machine::Role::api:
      return std::make_unique<ToggleApi>(setup, world, machine, table);
    case Machine::Role::watcher:
      return std::make_unique<ToggleWatcher>(setup, world, machine, table);
    case Machine::Role::verifier:
      break;
  }
  return std::make_unique<ToggleSignIn>(setup, world, machine, table);
}

}  // namespace latchkey::sim
