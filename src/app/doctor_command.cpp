#include <fmt/format.h>

#include <memory>

#include "app/command_world.hpp"
#include "app/commands.hpp"
#include "app/doctor.hpp"
#include "app/names.hpp"
#include "app/running_cloud.hpp"
#include "app/subcommand.hpp"

/// `latchkey doctor`: which settings it examines, and as whom.
namespace latchkey::app {
namespace {

bool has_settings(const Environment& environment) {
  return !environment.get("KEY_VAULT_URL").empty() || !environment.get("STORAGE_QUEUE_URL").empty();
}

Doctor::Part part_of(const DoctorOptions& options) {
  const std::string& named = options.part.empty() ? options.identity : options.part;
  if (named == kApiIdentity) return Doctor::Part::api;
  return named == kWatcherIdentity ? Doctor::Part::watcher : Doctor::Part::all;
}

struct Subject {
  Environment environment;
  std::optional<RunningCloud> local;  ///< the local cloud that the settings are of, or may be
  std::string authority;
};

/// The environment's settings, unless --data or --as says that it is about the local cloud, or
/// there are none.
Result<Subject> choose_subject(const CommonOptions& common, DoctorOptions& options) {
  Subject subject{.environment = common.environment, .local = {}, .authority = {}};
  auto running = read_running_cloud(common.data);
  const bool by_environment =
      !common.data_given && options.identity.empty() && has_settings(common.environment);
  if (!by_environment) {
    if (!running) return fail(running.error());
    if (options.identity.empty()) options.identity = kApiIdentity;
    auto environment = environment_for(*running, options.identity);
    if (!environment) return fail(environment.error());
    auto authority = read_file(running->authority_file());
    if (!authority) return fail(authority.error());
    subject.environment = std::move(*environment);
    subject.authority = std::move(*authority);
  }
  if (running) subject.local = std::move(*running);
  return subject;
}

/// What only the local cloud's own files know, for commands that are exact.
void add_local_facts(const RunningCloud& local, const CommonOptions& common,
                     Doctor::Patient& patient) {
  if (patient.place.vault.origin() != local.endpoints.at("vault")) return;
  patient.place.resource_group = fmt::format("/subscriptions/{}/resourceGroups/{}",
                                             local.subscription_id, local.resource_group);
  if (common.data_given) patient.place.data = common.data.string();
  for (const auto& [name, identity] : local.identities) patient.names[identity.object_id] = name;
}

int print(const std::vector<Finding>& findings, bool as_json) {
  fmt::print("{}", as_json ? render_json(findings) + "\n" : render_table(findings));
  return is_well(findings) ? 0 : 1;
}

Task<int> examine(Doctor::Patient patient, std::string authority, bool as_json, World world) {
  auto trust = Trust::system_trust(authority);
  if (!trust) co_return report(trust.error());
  Doctor doctor(std::move(patient), world);
  auto findings = co_await doctor.examine(std::move(*trust));
  findings.insert(findings.begin(), Finding{"settings", Verdict::ok, "complete"});
  co_return print(findings, as_json);
}

}  // namespace

int run_doctor(const CommonOptions& common, const DoctorOptions& wanted) {
  DoctorOptions options = wanted;
  auto subject = choose_subject(common, options);
  if (!subject) return report(subject.error());
  const auto part = part_of(options);
  const auto needs = part == Doctor::Part::watcher ? Needs::watcher : Needs::api;
  auto settings = read_service_settings(subject->environment, needs, common.data);
  if (!settings) {
    return print({{"settings", Verdict::failed, settings.error().message,
                   "set it as the message says; docs/settings.md has them all"}},
                 options.json);
  }
  Doctor::Patient patient{
      .settings = *settings, .place = place_of(*settings), .part = part, .names = {}};
  patient.place.program = common.program;
  if (subject->local) add_local_facts(*subject->local, common, patient);
  CommandWorld world;
  return world.run([&](World inside) {
    return examine(std::move(patient), subject->authority, options.json, inside);
  });
}

void add_doctor_command(CLI::App& app, Run& chosen) {
  auto options = std::make_shared<DoctorOptions>();
  auto* doctor =
      command(app, chosen, "doctor",
              "Check the whole chain with the settings at hand, and say what mends what is broken",
              [options](const CommonOptions& common) { return run_doctor(common, *options); });
  doctor->add_option("--as", options->identity,
                     "An identity of the local cloud; else the environment's settings, else api");
  doctor->add_option("--for", options->part, "Whose rights are needed: api, watcher or all")
      ->check(CLI::IsMember({"api", "watcher", "all"}));
  doctor->add_flag("--json", options->json, "Print JSON");
}

}  // namespace latchkey::app
