#include <algorithm>
#include <optional>
#include <utility>

#include "azure/key_vault_client.hpp"
#include "azure/single_flight.hpp"
#include "base/log.hpp"

namespace latchkey::azure {

/// Outlives the CachedSecret while a read runs.
struct CachedSecret::Impl {
  Impl(KeyVaultClient& vault_in, std::string name_in, Clock& clock_in, Executor executor,
       std::chrono::seconds max_age_in)
      : vault(vault_in),
        name(std::move(name_in)),
        clock(clock_in),
        max_age(max_age_in),
        flight(executor) {}

  KeyVaultClient& vault;
  std::string name;
  Clock& clock;
  std::chrono::seconds max_age;
  SingleFlight flight;

  std::optional<Secret> value;
  std::optional<Error> failure;  ///< of the last read
  std::optional<SteadyTime> last_read;
  SteadyTime refresh_at{};
  bool closed = false;
};

CachedSecret::CachedSecret(KeyVaultClient& vault, std::string name, Clock& clock, Executor executor,
                           std::chrono::seconds max_age)
    : impl_(std::make_shared<Impl>(vault, std::move(name), clock, executor, max_age)) {}

CachedSecret::~CachedSecret() {
  impl_->closed = true;
  impl_->flight.cancel();
}

Task<Result<Secret>> CachedSecret::get(Trace trace) {
  return get_from(impl_, trace);
}

Task<Result<Secret>> CachedSecret::get_after_refusal(Secret refused, Trace trace) {
  return replace_in(impl_, std::move(refused), trace);
}

Task<Result<Secret>> CachedSecret::get_from(std::shared_ptr<Impl> impl, Trace trace) {
  if (impl->value) {
    const bool due = impl->clock.steady_now() >= impl->refresh_at;
    if (due && !impl->flight.running() && !impl->closed) start_read(impl, trace);
    co_return *impl->value;
  }
  if (!impl->flight.running()) {
    const bool held = impl->failure && impl->last_read &&
                      impl->clock.steady_now() < *impl->last_read + kFailureHold;
    if (held) co_return fail(*impl->failure);
    if (!impl->closed) start_read(impl, trace);
  }
  co_await impl->flight.wait();
  if (impl->value) co_return *impl->value;
  if (impl->failure) co_return fail(*impl->failure);
  co_return fail(ErrorKind::unavailable, "SecretReadEnded",
                 "reading secret " + impl->name + " ended without an answer");
}

Task<Result<Secret>> CachedSecret::replace_in(std::shared_ptr<Impl> impl, Secret refused,
                                              Trace trace) {
  if (impl->value && *impl->value != refused) co_return *impl->value;
  if (!impl->flight.running()) {
    const bool read_lately =
        impl->last_read && impl->clock.steady_now() < *impl->last_read + kRefusalSpacing;
    if (read_lately || impl->closed) co_return co_await get_from(impl, trace);
    start_read(impl, trace);
  }
  co_await impl->flight.wait();
  if (impl->failure) co_return fail(*impl->failure);
  co_return co_await get_from(impl, trace);
}

void CachedSecret::start_read(const std::shared_ptr<Impl>& impl, const Trace& trace) {
  impl->failure.reset();
  impl->flight.start("secret_read", read(impl, trace));
}

Task<> CachedSecret::read(std::shared_ptr<Impl> impl, Trace trace) {
  Result<wire::SecretBundle> bundle = co_await impl->vault.get_secret(impl->name, {}, trace);
  const SteadyTime now = impl->clock.steady_now();
  impl->last_read = now;
  if (bundle) {
    impl->value = std::move(bundle->value);
    impl->refresh_at = now + impl->max_age;
    co_return;
  }
  impl->refresh_at = now + kRefreshSpacing;
  if (impl->value) {
    log::warning("secret_refresh_failed",
                 {{"secret", impl->name}, {"reason", bundle.error().message}});
  }
  impl->failure = std::move(bundle.error());
}

}  // namespace latchkey::azure
