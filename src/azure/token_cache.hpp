#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "azure/credential.hpp"

namespace latchkey::azure {

/// Keeps the tokens of another credential, one per resource.
///
/// - One fetch per resource is in flight; who needs the token meanwhile waits for that one.
/// - From refresh_on a new token is fetched in the background while the old one is given out, so
///   nobody waits as long as it lives. Background fetches are at least kRefreshSpacing (of a short
///   token: half its life) apart, for an endpoint may keep giving the token which it has cached;
///   after a failed one the next waits from kRetryFirst on, twice as long each time, up to
///   kRetryMax.
/// - A fetch that fails when there is no usable token is answered to everybody for kFailureHold
///   before the next is tried. When a token has ended for lack of a new one, the error says so.
/// - forget() drops the token, but only once in kForgetSpacing: many calls that ran with the same
///   refused token must not drop its successor.
class TokenCache final : public TokenCredential {
 public:
  static constexpr std::chrono::seconds kRefreshSpacing{30};
  static constexpr std::chrono::seconds kRetryFirst{10};
  static constexpr std::chrono::seconds kRetryMax{300};
  static constexpr std::chrono::seconds kForgetSpacing{30};
  static constexpr std::chrono::seconds kFailureHold{1};
  /// A token is not given out in its last kEndMargin, or last tenth if that is shorter.
  static constexpr std::chrono::seconds kEndMargin{30};

  TokenCache(std::unique_ptr<TokenCredential> inner, Clock& clock, Executor executor);
  ~TokenCache() override;
  Task<Result<AccessToken>> get_token(std::string resource) override;
  void forget(const std::string& resource) override;
  std::string name() const override;
  std::string passed_over() const override;
  const AccessToken* cached_token(const std::string& resource) override;
  std::vector<Held> held_tokens() const override;

 private:
  struct Shared;
  struct Entry;
  static Task<Result<AccessToken>> get(std::shared_ptr<Shared> shared, std::string resource);
  static void start_fetch(const std::shared_ptr<Shared>& shared, Entry& entry);
  static Task<> fetch(std::shared_ptr<Shared> shared, Entry* entry);
  static void take_failure(const Shared& shared, Entry& entry, Error error);

  std::shared_ptr<Shared> shared_;
};

}  // namespace latchkey::azure
