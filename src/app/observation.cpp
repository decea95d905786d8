#include "app/observation.hpp"

namespace latchkey::app {
namespace {

using Samples = std::vector<Metrics::Sample>;
using FloatSeconds = std::chrono::duration<double>;

/// One sample for each token that is held, by the resource that it is for.
template <class Time>
Samples of_tokens(const azure::TokenCredential& credential, const std::string& part, Time time) {
  Samples samples;
  for (const auto& held : credential.held_tokens()) {
    samples.push_back({.labels = {{"part", part}, {"resource", held.resource}},
                       .value = FloatSeconds(time(held)).count()});
  }
  return samples;
}

void show_tokens(const azure::TokenCredential& credential, const std::string& part, World world) {
  using Held = azure::TokenCredential::Held;
  const Clock& clock = world.clock;
  world.metrics.gauge("latchkey_token_age_seconds", "How long ago the token was fetched.",
                      [&credential, &clock, part] {
                        const UtcTime now = clock.now();
                        return of_tokens(credential, part,
                                         [now](const Held& held) { return now - held.fetched; });
                      });
  world.metrics.gauge("latchkey_token_remaining_seconds", "How long the token is good for.",
                      [&credential, &clock, part] {
                        const UtcTime now = clock.now();
                        return of_tokens(credential, part,
                                         [now](const Held& held) { return held.expires_on - now; });
                      });
}

}  // namespace

Observation::Observation(codes::CodeTable& inner_table, codes::Audit& inner_audit,
                         const AzureAccess& azure, const std::string& part, World world)
    : table(inner_table, world.metrics, world.tracer, world.clock),
      audit(inner_audit, world.metrics),
      codes(world.metrics) {
  show_tokens(azure.credential(), part, world);
  world.metrics.gauge("latchkey_clock_offset_seconds",
                      "By how much this clock differs from Azure's at least; positive: it is late.",
                      [&clock = azure.server_clock(), part] {
                        const FloatSeconds off = clock.standing().off_by;
                        return Samples{{.labels = {{"part", part}}, .value = off.count()}};
                      });
}

void show_watchers(std::vector<const codes::Watcher*> watchers, Metrics& metrics) {
  using Count = std::uint64_t codes::WatcherCounts::*;
  const auto sum = [watchers = std::move(watchers)](Count count) {
    std::uint64_t all = 0;
    for (const codes::Watcher* watcher : watchers) all += watcher->counts().*count;
    return static_cast<double>(all);
  };
  metrics.counters("latchkey_watcher_visits_total", "Visits of messages by what came of them.",
                   [sum] {
                     using Counts = codes::WatcherCounts;
                     const std::pair<const char*, Count> outcomes[] = {
                         {"hidden", &Counts::hidden},     {"forgotten", &Counts::forgotten},
                         {"poisoned", &Counts::poisoned}, {"unissued", &Counts::unissued},
                         {"gone", &Counts::gone},         {"failed", &Counts::failed}};
                     Samples samples;
                     for (const auto& [outcome, count] : outcomes) {
                       samples.push_back({.labels = {{"outcome", outcome}}, .value = sum(count)});
                     }
                     return samples;
                   });
  const auto one = [&](const char* name, const char* help, Count count) {
    metrics.counters(name, help,
                     [sum, count] { return Samples{{.labels = {}, .value = sum(count)}}; });
  };
  one("latchkey_watcher_activated_total", "Codes made valid.", &codes::WatcherCounts::activated);
  one("latchkey_watcher_swept_total", "Rows removed whose message was lost.",
      &codes::WatcherCounts::swept);
  one("latchkey_watcher_polls_total", "Get Messages calls.", &codes::WatcherCounts::polls);
}

}  // namespace latchkey::app
