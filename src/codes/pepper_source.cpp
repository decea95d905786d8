#include "codes/pepper_source.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/log.hpp"
#include "base/time_text.hpp"

namespace latchkey::codes {
namespace {

template <class Version>
void sort_newest_first(std::vector<Version>& all, std::string Version::* id) {
  // By the id as well, as CodeHasher does: the vault tells whole seconds.
  std::sort(all.begin(), all.end(), [id](const Version& a, const Version& b) {
    return std::tie(a.created, a.*id) > std::tie(b.created, b.*id);
  });
}

/// Cuts off what no living code can need. `newest_first` is not empty.
template <class Version>
void keep_needed(std::vector<Version>& newest_first, UtcTime now) {
  const auto over = [now](const Version& successor) {
    return successor.created + CodeHasher::kPepperSettle + CodeHasher::kPepperKept < now;
  };
  const auto last = std::find_if(newest_first.begin(), newest_first.end(), over);
  if (last != newest_first.end()) newest_first.erase(last + 1, newest_first.end());
}

const Pepper* find(const std::vector<Pepper>& known, const std::string& key_id) {
  const auto found = std::ranges::find(known, key_id, &Pepper::key_id);
  return found == known.end() ? nullptr : &*found;
}

/// A vault that does not let itself be listed.
Task<Result<std::vector<Pepper>>> read_newest(azure::KeyVaultClient& vault, std::string name,
                                              std::vector<Pepper> known, UtcTime now) {
  Result<wire::SecretBundle> newest = co_await vault.get_secret(std::move(name), {});
  if (!newest) co_return fail(std::move(newest.error()));
  std::string key_id = newest->version();
  if (find(known, key_id) == nullptr) {
    known.push_back({.key_id = std::move(key_id),
                     .value = std::move(newest->value),
                     .created = from_epoch_seconds(newest->attributes.created)});
  }
  sort_newest_first(known, &Pepper::key_id);
  keep_needed(known, now);
  co_return known;
}

}  // namespace

Task<Result<std::vector<Pepper>>> read_peppers(azure::KeyVaultClient& vault, std::string name,
                                               std::vector<Pepper> known, UtcTime now) {
  Result<std::vector<azure::SecretVersion>> versions = co_await vault.list_secret_versions(name);
  if (!versions && versions.error().kind == ErrorKind::denied) {
    co_return co_await read_newest(vault, std::move(name), std::move(known), now);
  }
  if (!versions) co_return fail(std::move(versions.error()));
  std::erase_if(*versions, [](const azure::SecretVersion& each) { return !each.enabled; });
  if (versions->empty()) {
    co_return fail(ErrorKind::not_found, "NoPepper",
                   "secret " + name + " has no enabled version: set one");
  }
  sort_newest_first(*versions, &azure::SecretVersion::version);
  keep_needed(*versions, now);
  std::vector<Pepper> peppers;
  for (const azure::SecretVersion& each : *versions) {
    if (const Pepper* old = find(known, each.version)) {
      peppers.push_back(*old);
      continue;
    }
    Result<wire::SecretBundle> bundle = co_await vault.get_secret(name, each.version);
    if (!bundle) co_return fail(std::move(bundle.error()));
    peppers.push_back(
        {.key_id = each.version, .value = std::move(bundle->value), .created = each.created});
  }
  co_return peppers;
}

PepperSource::PepperSource(azure::KeyVaultClient& vault, std::string name,
                           std::vector<Pepper> peppers, CodeHasher& hasher, Clock& clock)
    : vault_(vault),
      name_(std::move(name)),
      peppers_(std::move(peppers)),
      hasher_(hasher),
      clock_(clock) {}

Task<> PepperSource::run() {
  for (;;) {
    co_await clock_.sleep_for(CodeHasher::kPepperRefresh);
    Result<std::vector<Pepper>> peppers =
        co_await read_peppers(vault_, name_, peppers_, clock_.now());
    take(std::move(peppers));
  }
}

void PepperSource::take(Result<std::vector<Pepper>> peppers) {
  if (!peppers) {
    if (!std::exchange(failing_, true)) {
      log::warning("pepper_refresh_failing", {{"secret", name_},
                                              {"code", peppers.error().code},
                                              {"problem", peppers.error().message}});
    }
    return;
  }
  if (std::exchange(failing_, false)) log::info("pepper_refresh_recovered", {{"secret", name_}});
  if (peppers->front().key_id != peppers_.front().key_id) {
    log::info("pepper_rotated", {{"secret", name_}, {"version", peppers->front().key_id}});
  }
  peppers_ = std::move(*peppers);
  hasher_.replace(peppers_);
}

}  // namespace latchkey::codes
