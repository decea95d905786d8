/// What a token from the cache costs, which every call to Azure pays:
///
///   azure_bench
///
/// Prints nanoseconds per call of both ways to it. Goal: under 1,000.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <memory>

#include "azure/token_cache.hpp"
#include "base/clock.hpp"

namespace latchkey::azure {
namespace {

constexpr int kCalls = 2'000'000;

/// Gives one token, which lives long enough.
class OneToken final : public TokenCredential {
 public:
  explicit OneToken(Clock& clock) : clock_(clock) {}
  Task<Result<AccessToken>> get_token(std::string) override {
    AccessToken token;
    token.value = Secret(std::string(1500, 't'));  // as long as Entra ID's
    token.expires_on = clock_.now() + std::chrono::hours{1};
    token.refresh_on = token.expires_on;
    co_return token;
  }
  void forget(const std::string&) override {}
  std::string name() const override { return "OneToken"; }

 private:
  Clock& clock_;
};

void print(const char* what, std::chrono::steady_clock::time_point begun, int good) {
  if (good != kCalls) std::abort();
  const auto spent = std::chrono::steady_clock::now() - begun;
  fmt::print("{:<14} {:6.0f} ns/call\n", what,
             std::chrono::duration<double, std::nano>(spent).count() / kCalls);
}

Task<> measure(TokenCache& cache) {
  const std::string resource = "https://storage.azure.com";
  auto first = co_await cache.get_token(resource);
  if (!first) std::abort();

  auto begun = std::chrono::steady_clock::now();
  int good = 0;
  for (int i = 0; i < kCalls; ++i) good += cache.cached_token(resource) != nullptr ? 1 : 0;
  print("cached_token", begun, good);

  begun = std::chrono::steady_clock::now();
  good = 0;
  for (int i = 0; i < kCalls; ++i) {
    auto token = co_await cache.get_token(resource);
    good += token ? 1 : 0;
  }
  print("get_token", begun, good);
}

}  // namespace
}  // namespace latchkey::azure

int main() {
  using namespace latchkey;
  IoContext context;
  SystemClock clock;
  azure::TokenCache cache(std::make_unique<azure::OneToken>(clock), clock, context.get_executor());
  run_to_end(context, azure::measure(cache));
}
