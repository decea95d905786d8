#include "azure/token_cache.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "azure/single_flight.hpp"
#include "base/log.hpp"
#include "base/time_text.hpp"

namespace latchkey::azure {

struct TokenCache::Entry {
  Entry(std::string resource_in, Executor executor)
      : resource(std::move(resource_in)), flight(executor) {}

  std::string resource;
  std::optional<AccessToken> token;
  UtcTime fetched{};
  UtcTime usable_until{};
  SteadyTime refresh_not_before = SteadyTime::min();
  SteadyTime forget_not_before = SteadyTime::min();
  std::optional<Error> failure;  ///< of the last fetch
  int failures = 0;              ///< since the last success
  UtcTime failing_since{};
  SteadyTime failure_holds_until = SteadyTime::min();
  SingleFlight flight;
};

/// Outlives the cache while a fetch runs.
struct TokenCache::Shared {
  Entry& entry(const std::string& resource) {
    auto found = entries.find(resource);
    if (found == entries.end()) {
      found = entries.try_emplace(resource, resource, executor).first;
    }
    return found->second;
  }
  bool usable(const Entry& entry) const { return entry.token && clock.now() < entry.usable_until; }
  bool refresh_due(const Entry& entry) const {
    return clock.now() >= entry.token->refresh_on && !entry.flight.running() &&
           clock.steady_now() >= entry.refresh_not_before;
  }

  Shared(std::unique_ptr<TokenCredential> inner_in, Clock& clock_in, Executor executor_in)
      : inner(std::move(inner_in)), clock(clock_in), executor(executor_in) {}

  std::unique_ptr<TokenCredential> inner;
  Clock& clock;
  Executor executor;
  std::map<std::string, Entry> entries;
  bool closed = false;
};

TokenCache::TokenCache(std::unique_ptr<TokenCredential> inner, Clock& clock, Executor executor)
    : shared_(std::make_shared<Shared>(std::move(inner), clock, executor)) {}

TokenCache::~TokenCache() {
  shared_->closed = true;
  for (auto& [resource, entry] : shared_->entries) entry.flight.cancel();
}

std::string TokenCache::name() const {
  return shared_->inner->name();
}

std::string TokenCache::passed_over() const {
  return shared_->inner->passed_over();
}

const AccessToken* TokenCache::cached_token(const std::string& resource) {
  const auto found = shared_->entries.find(resource);
  if (found == shared_->entries.end()) return nullptr;
  const Entry& entry = found->second;
  const bool plain = shared_->usable(entry) && !shared_->refresh_due(entry);
  return plain ? &*entry.token : nullptr;
}

std::vector<TokenCredential::Held> TokenCache::held_tokens() const {
  std::vector<Held> held;
  for (const auto& [resource, entry] : shared_->entries) {
    if (entry.token) held.push_back({resource, entry.fetched, entry.token->expires_on});
  }
  return held;
}

Task<Result<AccessToken>> TokenCache::get_token(std::string resource) {
  return get(shared_, std::move(resource));
}

Task<Result<AccessToken>> TokenCache::get(std::shared_ptr<Shared> shared, std::string resource) {
  Entry& entry = shared->entry(resource);
  if (shared->usable(entry)) {
    if (shared->refresh_due(entry)) start_fetch(shared, entry);
    co_return *entry.token;
  }
  // Twice: the token that the first wait brought may have been refused and dropped meanwhile.
  for (int i = 0; i < 2 && !shared->closed; ++i) {
    if (!entry.flight.running()) {
      const bool held = entry.failure && shared->clock.steady_now() < entry.failure_holds_until;
      if (held) co_return fail(*entry.failure);
      start_fetch(shared, entry);
    }
    co_await entry.flight.wait();
    if (shared->usable(entry)) co_return *entry.token;
    if (entry.failure) co_return fail(*entry.failure);
  }
  co_return fail(ErrorKind::unavailable, "TokenFetchEnded",
                 "fetching a token for " + resource + " ended without one");
}

void TokenCache::start_fetch(const std::shared_ptr<Shared>& shared, Entry& entry) {
  entry.failure.reset();
  entry.flight.start("token_fetch", fetch(shared, &entry));
}

Task<> TokenCache::fetch(std::shared_ptr<Shared> shared, Entry* entry) {
  Result<AccessToken> token = co_await shared->inner->get_token(entry->resource);
  if (!token) {
    take_failure(*shared, *entry, std::move(token.error()));
    co_return;
  }
  const UtcTime now = shared->clock.now();
  const auto margin = std::min<UtcTime::duration>(kEndMargin, (token->expires_on - now) / 10);
  const auto spacing = std::min<UtcTime::duration>(kRefreshSpacing, (token->expires_on - now) / 2);
  entry->usable_until = token->expires_on - margin;
  entry->refresh_not_before = shared->clock.steady_now() + spacing;
  entry->token = std::move(*token);
  entry->fetched = now;
  entry->failures = 0;
}

void TokenCache::take_failure(const Shared& shared, Entry& entry, Error error) {
  std::chrono::seconds delay = kRetryFirst;
  for (int i = 0; i < entry.failures && delay < kRetryMax; ++i) delay *= 2;
  const SteadyTime now = shared.clock.steady_now();
  entry.refresh_not_before = now + std::min(delay, kRetryMax);
  entry.failure_holds_until = now + kFailureHold;
  if (entry.failures++ == 0) entry.failing_since = shared.clock.now();
  if (shared.usable(entry)) {
    log::warning("token_refresh_failed", {{"resource", entry.resource},
                                          {"credential", shared.inner->name()},
                                          {"usable_until", to_iso8601(entry.usable_until)},
                                          {"reason", error.message}});
  } else if (entry.token) {
    error.message = "the token for " + entry.resource + " ended at " +
                    to_rfc1123(entry.token->expires_on) + ", and fetching a new one fails since " +
                    to_rfc1123(entry.failing_since) + ": " + error.message;
  }
  entry.failure = std::move(error);
}

void TokenCache::forget(const std::string& resource) {
  const auto found = shared_->entries.find(resource);
  if (found == shared_->entries.end() || !found->second.token) return;
  Entry& entry = found->second;
  const SteadyTime now = shared_->clock.steady_now();
  if (now < entry.forget_not_before) return;
  entry.forget_not_before = now + kForgetSpacing;
  entry.token.reset();
  entry.failure.reset();
  shared_->inner->forget(resource);
}

}  // namespace latchkey::azure
