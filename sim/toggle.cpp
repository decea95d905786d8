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

  /// One call of the table, as atomic as the best sign-in could have it.
  Task<Result<bool>> change(const char* name, std::function<bool()> step) {
    std::function<Result<bool>()> effect = [step = std::move(step)]() -> Result<bool> {
      return step();
    };
    (void)name;
    co_return co_await world.network.call<bool>(machine, TableEdge::kTimeout, std::move(effect));
  }
  bool remove(const Life& life, const char* name, UtcTime asked) {
    const auto found = table.find(life);
    if (found == table.end()) return false;
    const UtcTime expires = found->second;
    table.erase(found);
    world.note_row(life, std::nullopt, expires, name, machine.number, asked);
    return true;
  }
  bool add(const Life& life, UtcTime expires, UtcTime asked) {
    table[life] = expires;
    world.note_row(life, codes::CodeState::valid, expires, "add", machine.number, asked);
    return true;
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
    const UtcTime asked = world.timeline.now();
    const UtcTime expires = content->timestamp + setup.rules.lifetime;
    auto removed =
        co_await change("remove", [this, life, asked] { return remove(life, "toggle", asked); });
    if (!removed) co_return;
    if (!*removed) {
      auto added = co_await change(
          "add", [this, life, expires, asked] { return add(life, expires, asked); });
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
    const UtcTime asked = world.timeline.now();
    auto taken =
        co_await change("take", [this, life, asked] { return remove(life, "attempt", asked); });
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
