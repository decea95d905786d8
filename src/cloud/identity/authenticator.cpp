#include "cloud/identity/authenticator.hpp"

#include <algorithm>
#include <cstring>
#include <list>
#include <unordered_map>
#include <utility>

#include "base/hash.hpp"
#include "base/time_text.hpp"
#include "wire/jwt.hpp"
#include "wire/jwt_assertion.hpp"

namespace latchkey::cloud {
namespace {

constexpr std::size_t kRememberedMax = 4096;
constexpr std::size_t kTokenBytesMax = 16 * 1024;
constexpr std::int64_t kNotBeforeSkewSeconds = 300;

struct Checked {
  Sha256 hash;
  Principal principal;
  std::string audience;          ///< without a trailing slash
  bool for_any_service = false;  ///< the audience is one that was configured for its issuer
  std::int64_t not_before = 0;
  std::int64_t expires_at = 0;
};

struct FirstBytes {
  std::size_t operator()(const Sha256& hash) const {
    std::size_t value = 0;
    std::memcpy(&value, hash.data(), sizeof value);
    return value;
  }
};

std::string_view without_slash(std::string_view audience) {
  if (audience.ends_with('/')) audience.remove_suffix(1);
  return audience;
}

tl::unexpected<Error> denied(std::string code, std::string message) {
  return fail(ErrorKind::denied, std::move(code), std::move(message));
}

bool issuer_is_of_tenant(std::string_view issuer, std::string_view tenant) {
  issuer = without_slash(issuer);
  const auto slash = issuer.rfind('/');
  return !tenant.empty() && slash != issuer.npos && issuer.substr(slash + 1) == tenant;
}

}  // namespace

struct Authenticator::Impl {
  Impl(const SigningKeys& keys_in, std::string issuer_in, Clock& clock_in)
      : keys(keys_in), issuer(std::move(issuer_in)), clock(clock_in) {}

  /// The key of that id, of whichever issuer it is, and whose it is (nullptr: ours).
  struct Signer {
    const RsaPublicKey* key = nullptr;
    const TrustedIssuer* issuer = nullptr;
  };
  Signer find_signer(std::string_view wanted, std::string_view token) const;
  /// The signature, issuer and tenant of a token that is not remembered.
  Result<Checked> check(std::string_view token, const Sha256& hash) const;
  void remember(Checked checked);
  void forget(std::list<Checked>::iterator entry);

  const SigningKeys& keys;
  const std::string issuer;
  Clock& clock;
  std::list<TrustedIssuer> trusted;
  /// The most recently used first.
  std::list<Checked> remembered;
  std::unordered_map<Sha256, std::list<Checked>::iterator, FirstBytes> by_hash;
};

Authenticator::Authenticator(const SigningKeys& keys, std::string issuer, Clock& clock)
    : impl_(std::make_unique<Impl>(keys, std::move(issuer), clock)) {}
Authenticator::~Authenticator() = default;

void Authenticator::trust(TrustedIssuer issuer) {
  impl_->trusted.push_back(std::move(issuer));
}

Result<Principal> Authenticator::authenticate(std::string_view token,
                                              std::span<const std::string_view> audiences) {
  if (token.empty() || token.size() > kTokenBytesMax) {
    return denied("MalformedToken", "The token is empty or too long.");
  }
  const Sha256 hash = sha256(token);
  const auto found = impl_->by_hash.find(hash);
  if (found == impl_->by_hash.end()) {
    auto checked = impl_->check(token, hash);
    if (!checked) return fail(checked.error());
    impl_->remember(std::move(*checked));
  } else {
    impl_->remembered.splice(impl_->remembered.begin(), impl_->remembered, found->second);
  }
  const auto entry = impl_->remembered.begin();
  // What depends on now and on who asks is looked at every time, remembered or not.
  const std::int64_t now = to_epoch_seconds(impl_->clock.now());
  if (now >= entry->expires_at) {
    impl_->forget(entry);
    return denied("TokenExpired", "Lifetime validation failed. The token is expired.");
  }
  if (now < entry->not_before - kNotBeforeSkewSeconds) {
    return denied("TokenNotYetValid", "Lifetime validation failed. The token is not yet valid.");
  }
  const bool for_us =
      entry->for_any_service || std::ranges::any_of(audiences, [&](std::string_view audience) {
        return without_slash(audience) == entry->audience;
      });
  if (!for_us) {
    return denied("WrongAudience", "Audience validation failed. Audience did not match.");
  }
  return entry->principal;
}

std::vector<RsaPublicKey> Authenticator::keys_of(std::string_view issuer,
                                                 std::string_view key_id) const {
  std::vector<RsaPublicKey> found;
  if (issuer == impl_->issuer) {
    if (const auto* own = impl_->keys.find(key_id)) found.push_back(*own);
  }
  for (const TrustedIssuer& trusted : impl_->trusted) {
    if (trusted.issuer != issuer) continue;
    for (const wire::TokenKey& known : trusted.keys) {
      if (known.key_id.empty() || known.key_id == key_id) found.push_back(known.key);
    }
  }
  return found;
}

Authenticator::Impl::Signer Authenticator::Impl::find_signer(std::string_view wanted,
                                                             std::string_view token) const {
  if (const auto* own = keys.find(wanted)) return {.key = own, .issuer = nullptr};
  for (const TrustedIssuer& candidate : trusted) {
    for (const wire::TokenKey& known : candidate.keys) {
      if (known.key_id == wanted) return {.key = &known.key, .issuer = &candidate};
    }
  }
  // A key without id is its issuer's only one; which issuer, the token says. It proves nothing yet.
  const auto said = wire::read_assertion(token);
  for (const TrustedIssuer& candidate : trusted) {
    const bool only = candidate.keys.size() == 1 && candidate.keys.front().key_id.empty();
    if (said && only && candidate.issuer == said->issuer) {
      return {.key = &candidate.keys.front().key, .issuer = &candidate};
    }
  }
  return {};
}

Result<Checked> Authenticator::Impl::check(std::string_view token, const Sha256& hash) const {
  Signer signer;
  auto claims = wire::verify_token(token, [&](std::string_view id) -> const RsaPublicKey* {
    signer = find_signer(id, token);
    return signer.key;
  });
  if (!claims) return fail(claims.error());
  // A key speaks for its own issuer only.
  const bool right = signer.issuer != nullptr ? claims->issuer == signer.issuer->issuer
                                              : claims->issuer == issuer &&
                                                    issuer_is_of_tenant(issuer, claims->tenant_id);
  if (!right) {
    return denied("WrongIssuer", "Issuer validation failed. Issuer did not match.");
  }
  std::string audience(without_slash(claims->audience));
  const bool configured =
      signer.issuer != nullptr &&
      std::ranges::any_of(signer.issuer->audiences, [&audience](std::string_view known) {
        return without_slash(known) == audience;
      });
  return Checked{.hash = hash,
                 .principal = {.object_id = claims->object_id,
                               .client_id = claims->client_id,
                               .tenant_id = claims->tenant_id,
                               .issuer = claims->issuer},
                 .audience = std::move(audience),
                 .for_any_service = configured,
                 .not_before = claims->not_before,
                 .expires_at = claims->expires_at};
}

void Authenticator::Impl::remember(Checked checked) {
  if (remembered.size() >= kRememberedMax) forget(std::prev(remembered.end()));
  remembered.push_front(std::move(checked));
  by_hash.emplace(remembered.front().hash, remembered.begin());
}

void Authenticator::Impl::forget(std::list<Checked>::iterator entry) {
  by_hash.erase(entry->hash);
  remembered.erase(entry);
}

}  // namespace latchkey::cloud
