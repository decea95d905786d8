#include "sim/driver.hpp"

#include <algorithm>

#include "codes/message.hpp"

namespace latchkey::sim {
namespace {
using std::chrono::milliseconds;
using Kind = Event::Kind;

/// A pending code is submitted so often, a little later each time.
constexpr int kTries = 6;

}  // namespace

void Driver::plan_storm() {
  Timeline& timeline = world_.timeline;
  const auto at_some_time = [&](int times, auto what) {
    for (int i = 0; i < times; ++i) timeline.at(some_storm_time(), what);
  };
  at_some_time(plan_.codes, [this] { issue(); });
  at_some_time(plan_.crashes, [this] { crash(); });
  at_some_time(plan_.pauses, [this] { pause(); });
  at_some_time(plan_.outages, [this] { outage(); });
  at_some_time(plan_.clock_steps, [this] {
    Machine& machine = *world_.machines[world_.dice.below(world_.machines.size())];
    const Micros error = plan_.setup.rules.clock_error_max;
    if (std::chrono::abs(machine.skew) > error) return;
    machine.skew = world_.dice.between(-error, error);
    world_.network.fault("clock step", machine.number);
  });
  at_some_time(static_cast<int>(world_.dice.below(3)), [this] { forge(nullptr); });
  at_some_time(static_cast<int>(world_.dice.below(2)), [this] {
    world_.queues.add(kQueue, world_.dice.chance(0.5) ? "{'code': 7}" : "!!! no message");
  });
}

void Driver::calm() {
  calm_ = true;
  world_.network.weather = {};
  world_.network.queue_reachable = true;
  world_.history.add(world_.event(Kind::calm));
  for (const auto& machine : world_.machines) {
    const Micros error = plan_.setup.rules.clock_error_max;
    machine->skew = std::clamp(machine->skew, -error, error);
    if (plan_.restart_when_calm) {
      machine->kill();
      world_.network.fault("crash", machine->number);
    }
    machine->resume();
    if (!machine->up()) machine->start();
  }
}

Machine* Driver::any_machine(Roles role) {
  std::vector<Machine*> found;
  for (const auto& machine : world_.machines) {
    if (machine->role == role && machine->up()) found.push_back(machine.get());
  }
  return found.empty() ? nullptr : found[world_.dice.below(found.size())];
}

codes::Binding Driver::any_binding() {
  static constexpr const char* kSubjects[] = {"", "ada", "bob"};
  static constexpr const char* kPurposes[] = {"", "sign-in"};
  return {kSubjects[world_.dice.below(3)], kPurposes[world_.dice.below(2)]};
}

void Driver::issue() {
  Machine* machine = any_machine(Roles::api);
  if (machine == nullptr) return;
  codes::IssueRequest request{.binding = any_binding(), .caller = "app"};
  // A foreign producer knows neither subjects nor lifetimes.
  if (plan_.mode == Mode::seed_mode || plan_.mode == Mode::toggle) {
    request.binding = {};
  } else if (world_.dice.chance(0.2)) {
    request.lifetime = plan_.setup.rules.lifetime / 2;
  }
  machine->spawn(issue_on(*machine, std::move(request)));
}

Task<> Driver::issue_on(Machine& machine, codes::IssueRequest request) {
  Code code{.binding = request.binding};
  auto issued = co_await machine.program<Api>().issue(std::move(request));
  if (!issued) co_return;
  ++counts_.codes;
  world_.keep_secret(issued->code);
  code.code = issued->code;
  code.id = issued->id;
  code.issued = issued->issued;
  code.expires = issued->expires;
  Event answered = world_.event(Kind::issued, machine.number);
  answered.life = world_.life_of(code.code.reveal());
  answered.to = world_.state_of(answered.life);
  answered.count = world_.messages_of(answered.life);
  answered.expires = code.expires;
  answered.binding = code.binding;
  world_.history.add(std::move(answered));
  follow(code);
}

void Driver::follow(const Code& code) {
  Timeline& timeline = world_.timeline;
  Dice& dice = world_.dice;
  const Micros error = plan_.setup.rules.clock_error_max;
  const Micros life = plan_.setup.rules.lifetime;
  if (dice.chance(0.6)) {
    timeline.after(some_time(Micros{1'500'000}), [this, code] { submit_twice(code, kTries); });
  }
  // About the end, as each clock sees it.
  const UtcTime end = code.expires + dice.between(-error, error);
  timeline.at(end - some_time(Micros{200'000}), [this, code] { submit_twice(code, 0); });
  timeline.at(end + some_time(Micros{20'000}), [this, code] { submit_twice(code, 0); });
  timeline.at(code.expires + error + some_time(life), [this, code] { submit_twice(code, 0); });
  if (calm_) return;

  if (dice.chance(0.3)) {
    for (auto guesses = dice.below(9); guesses > 0; --guesses) {
      timeline.after(some_time(life), [this, binding = code.binding] { guess(binding); });
    }
  }
  if (dice.chance(0.3)) {
    timeline.after(some_time(life),
                   [this, code] { submit(code, {"eve", code.binding.purpose}, {}, 0); });
  }
  if (dice.chance(0.25)) timeline.after(some_time(life), [this, code] { forge(&code); });
  if (dice.chance(0.15)) {
    timeline.after(some_time(life), [this, code] {
      Machine* machine = any_machine(Roles::api);
      if (machine != nullptr) machine->spawn(revoke_on(*machine, code));
    });
  }
  if (dice.chance(0.05)) {
    timeline.after(some_time(life), [this, subject = code.binding.subject] {
      Machine* machine = any_machine(Roles::api);
      if (machine != nullptr) machine->spawn(revoke_subject_on(*machine, subject));
    });
  }
  if (plan_.crashes > 0 && dice.chance(0.03)) {
    timeline.after(Micros{1}, [this] {
      for (std::size_t i = 0; i < 2 * world_.machines.size(); ++i) crash();
    });
  }
}

void Driver::guess(const codes::Binding& binding) {
  Code wrong{.code = codes::make_code(161, world_.random), .binding = binding};
  submit(wrong, binding, {}, 0);
}

/// A message that no issuer sent: of a code that does not exist, or of one that does, with another
/// time.
void Driver::forge(const Code* code) {
  const Micros life = plan_.setup.rules.lifetime;
  UtcTime time = world_.clock.now() + world_.dice.between(-2 * life, 2 * life);
  // Who lets others produce cannot tell them from a forger: only copies are harmless then.
  if (code != nullptr && plan_.mode == Mode::seed_mode) time = code->issued;
  const Secret text = code != nullptr ? code->code : codes::make_code(7, world_.random);
  world_.queues.add(kQueue, codes::render_message({text, time}));
  world_.note_messages(-1);
  if (code != nullptr) return;
  const Code forged{.code = text};
  for (int i = 0; i < 2; ++i) {
    world_.timeline.after(some_time(life), [this, forged] { submit(forged, {}, {}, 0); });
  }
}

/// Two verifiers at once, some of them for one request whose answer was slow to come.
void Driver::submit_twice(const Code& code, int tries_left) {
  const bool same_request = world_.dice.chance(0.3);
  const std::string key = world_.random.hex(4);
  submit(code, code.binding, same_request ? key : "", tries_left);
  submit(code, code.binding, same_request ? key : "", tries_left);
}

void Driver::submit(const Code& code, const codes::Binding& binding, std::string key,
                    int tries_left) {
  Machine* machine = any_machine(Roles::verifier);
  if (machine == nullptr) return;
  codes::VerifyRequest request{.code = code.code, .binding = binding, .caller = "app"};
  request.idempotency_key = std::move(key);
  if (world_.dice.chance(0.2)) request.wait = milliseconds{world_.dice.below(2'000)};
  machine->spawn(verify_on(*machine, code, std::move(request), world_.timeline.now(), tries_left));
}

Task<> Driver::verify_on(Machine& machine, Code code, codes::VerifyRequest request, UtcTime asked,
                         int tries_left) {
  static constexpr const char* kVerdicts[] = {"accepted", "not active yet", "refused", "throttled"};
  Event answered;
  answered.binding = request.binding;
  if (!request.idempotency_key.empty()) answered.group = request.caller + request.idempotency_key;
  const bool right_binding = request.binding == code.binding;
  auto answer = co_await machine.program<SignIn>().verify(std::move(request));
  answered.kind = Kind::verified;
  answered.at = world_.timeline.now();
  answered.machine = machine.number;
  answered.life = world_.life_of(code.code.reveal());
  answered.asked = asked;
  answered.verdict = answer ? kVerdicts[static_cast<std::size_t>(answer->verdict)] : "no answer";
  world_.history.add(std::move(answered));
  const bool accepted = answer && answer->verdict == codes::Verdict::accepted;
  if (accepted) {
    ++counts_.accepted;
    // Again, as soon as it can be known that it has been used.
    world_.timeline.after(some_time(Micros{2'000'000}), [this, code] { submit_twice(code, 0); });
  } else {
    ++counts_.refused;
  }
  const bool pending = answer && answer->verdict == codes::Verdict::not_active_yet;
  if (pending && right_binding && tries_left > 0) {
    world_.timeline.after(Micros{300'000}, [this, code, tries_left] {
      submit(code, code.binding, {}, tries_left - 1);
    });
  }
}

Task<> Driver::revoke_on(Machine& machine, Code code) {
  auto revoked = co_await machine.program<Api>().revoke(code.id);
  using Revoked = codes::CodeDirectory::Revoked;
  if (!revoked || (*revoked != Revoked::yes && *revoked != Revoked::already)) co_return;
  Event answered = world_.event(Kind::revoked, machine.number);
  answered.life = world_.life_of(code.code.reveal());
  world_.history.add(std::move(answered));
}

Task<> Driver::revoke_subject_on(Machine& machine, std::string subject) {
  if (subject.empty()) co_return;
  auto revoked = co_await machine.program<Api>().revoke_subject(std::move(subject));
  (void)revoked.has_value();
}

void Driver::crash() {
  if (calm_) return;
  Machine& machine = *world_.machines[world_.dice.below(world_.machines.size())];
  if (!machine.up()) return;
  machine.kill();
  ++counts_.crashes;
  world_.network.fault("crash", machine.number);
  world_.timeline.after(some_time(world_.history.settings.restart_max), [&machine] {
    if (!machine.up()) machine.start();
  });
}

void Driver::pause() {
  if (calm_) return;
  Machine& machine = *world_.machines[world_.dice.below(world_.machines.size())];
  if (!machine.up() || machine.paused()) return;
  machine.pause();
  ++counts_.pauses;
  world_.network.fault("pause", machine.number);
  const bool is_long = world_.dice.chance(0.3);
  const Micros length = some_time(is_long ? 2 * plan_.setup.rules.lifetime : Micros{2'000'000});
  world_.timeline.after(length, [&machine] { machine.resume(); });
}

void Driver::outage() {
  if (calm_) return;
  ++counts_.outages;
  world_.network.queue_reachable = false;
  world_.network.fault("queue unreachable");
  world_.timeline.after(some_time(2 * plan_.setup.rules.lifetime),
                        [this] { world_.network.queue_reachable = true; });
}

}  // namespace latchkey::sim
