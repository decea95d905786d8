#include "azure/token_validator.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "azure/retry_policy.hpp"
#include "azure/single_flight.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "wire/jwt.hpp"

namespace latchkey::azure {
namespace {

constexpr std::string_view kPublicAuthority = "https://login.microsoftonline.com";
constexpr std::string_view kUriScheme = "api://";
/// Who issues tokens of version 1, whatever host they were asked from.
constexpr std::array<std::string_view, 2> kVersion1Issuers{"https://sts.windows.net/",
                                                           "https://sts.chinacloudapi.cn/"};

bool is_guid(std::string_view text) {
  static constexpr std::string_view kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return std::ranges::equal(text, kForm, [](char c, char form) {
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    return form == 'x' ? hex : c == form;
  });
}

std::string_view without_slash(std::string_view text) {
  if (text.ends_with('/')) text.remove_suffix(1);
  return text;
}

std::string_view without_scheme(std::string_view audience) {
  if (audience.starts_with(kUriScheme)) audience.remove_prefix(kUriScheme.size());
  return without_slash(audience);
}

tl::unexpected<Error> denied(std::string code, std::string message) {
  return fail(ErrorKind::denied, std::move(code), std::move(message));
}

tl::unexpected<Error> bad_setting(std::string message) {
  return fail(ErrorKind::invalid_argument, "BadTokenSettings", std::move(message));
}

Task<Result<http::ClientRequest>> get_request(http::Url url) {
  http::ClientRequest request;
  request.url = std::move(url);
  request.headers.add("Accept", "application/json");
  co_return request;
}

/// A GET with retries; the body of a 200.
Task<Result<std::string>> fetch_text(RetryPolicy& policy, http::Url url) {
  RetryPolicy::Prepare make = [&url] { return get_request(url); };
  Result<http::Response> answer = co_await policy.send(make);
  if (!answer) co_return fail(std::move(answer.error()));
  if (answer->status == 200) co_return std::move(answer->body);
  co_return fail(ErrorKind::unavailable, "KeysNotFound",
                 url.origin() + url.path + " answered " + std::to_string(answer->status) +
                     "; check AZURE_TENANT_ID and AZURE_AUTHORITY_HOST");
}

}  // namespace

/// Outlives the TokenValidator while a fetch runs.
struct TokenValidator::Impl {
  Impl(TokenValidatorSettings settings_in, http::Url authority_in, http::HttpClient& http_in,
       Clock& clock_in, Random& random_in, Executor executor)
      : settings(std::move(settings_in)),
        authority(std::move(authority_in)),
        http(http_in),
        clock(clock_in),
        random(random_in),
        flight(executor) {}

  bool may_fetch() const;
  void start_fetch(const std::shared_ptr<Impl>& self);
  static Task<> fetch(std::shared_ptr<Impl> self);
  Task<Result<std::vector<wire::TokenKey>>> fetch_keys();
  const RsaPublicKey* find(std::string_view key_id) const;
  Result<TokenIdentity> check(const Secret& token) const;
  Result<TokenIdentity> check_claims(wire::TokenClaims claims) const;
  bool is_issuer(std::string_view issuer) const;
  bool is_ours(const wire::TokenKey& key) const;

  const TokenValidatorSettings settings;
  const http::Url authority;
  http::HttpClient& http;
  Clock& clock;
  Random& random;
  SingleFlight flight;

  std::vector<wire::TokenKey> keys;
  std::string issuer;                  ///< as discovery has it
  std::optional<SteadyTime> keys_at;   ///< when they were fetched
  std::optional<SteadyTime> tried_at;  ///< when the last fetch ended, however it did
  std::optional<Error> failure;        ///< of the last fetch
  bool closed = false;
};

Result<std::unique_ptr<TokenValidator>> TokenValidator::create(TokenValidatorSettings settings,
                                                               http::HttpClient& http, Clock& clock,
                                                               Random& random, Executor executor) {
  if (settings.authority_host.empty()) settings.authority_host = kPublicAuthority;
  auto authority = http::parse_url(settings.authority_host);
  if (!authority || !authority->is_https()) {
    return bad_setting("the authority host is not an https URL: its keys decide who is let in");
  }
  if (!is_guid(settings.tenant_id)) {
    return bad_setting("the tenant id is not a GUID such as tokens carry");
  }
  settings.tenant_id = to_lower(settings.tenant_id);
  for (std::string& audience : settings.audiences) audience = std::string(without_scheme(audience));
  std::erase(settings.audiences, "");
  if (settings.audiences.empty()) return bad_setting("no audience is given");
  return std::unique_ptr<TokenValidator>(new TokenValidator(std::make_shared<Impl>(
      std::move(settings), std::move(*authority), http, clock, random, executor)));
}

TokenValidator::TokenValidator(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

TokenValidator::~TokenValidator() {
  impl_->closed = true;
  impl_->flight.cancel();
}

Task<Result<TokenIdentity>> TokenValidator::validate(Secret token) {
  return validate_with(impl_, std::move(token));
}

Task<Result<TokenIdentity>> TokenValidator::validate_with(std::shared_ptr<Impl> impl,
                                                          Secret token) {
  const SteadyTime now = impl->clock.steady_now();
  if (impl->keys_at && now >= *impl->keys_at + kKeysTrusted) {
    impl->keys.clear();
    impl->keys_at.reset();
  }
  if (!impl->keys_at) {
    if (impl->may_fetch()) impl->start_fetch(impl);
    co_await impl->flight.wait();
  } else if (now >= *impl->keys_at + kKeysFresh && impl->may_fetch()) {
    impl->start_fetch(impl);
  }
  Result<TokenIdentity> checked = impl->check(token);
  if (checked || checked.error().code != "UnknownKey") co_return checked;
  if (impl->keys_at && impl->may_fetch()) impl->start_fetch(impl);
  if (impl->flight.running()) {
    co_await impl->flight.wait();
    checked = impl->check(token);
    if (checked || checked.error().code != "UnknownKey") co_return checked;
  }
  // Whether there is such a key cannot be said when the newest keys are not to be had.
  if (impl->failure) co_return fail(*impl->failure);
  co_return checked;
}

bool TokenValidator::Impl::may_fetch() const {
  if (flight.running() || closed) return false;
  if (!tried_at) return true;
  const SteadyTime now = clock.steady_now();
  return now >= *tried_at + (failure ? SteadyTime::duration(kFailureHold) : kKeysSpacing);
}

void TokenValidator::Impl::start_fetch(const std::shared_ptr<Impl>& self) {
  self->flight.start("token_keys_fetch", fetch(self));
}

Task<> TokenValidator::Impl::fetch(std::shared_ptr<Impl> self) {
  Result<std::vector<wire::TokenKey>> found = co_await self->fetch_keys();
  const SteadyTime now = self->clock.steady_now();
  self->tried_at = now;
  if (found) {
    self->keys = std::move(*found);
    self->keys_at = now;
    self->failure.reset();
    co_return;
  }
  Error error = std::move(found.error());
  error.message = "the keys that tokens are signed with: " + error.message;
  log::warning("token_keys_failed", {{"code", error.code}, {"problem", error.message}});
  self->failure = std::move(error);
}

Task<Result<std::vector<wire::TokenKey>>> TokenValidator::Impl::fetch_keys() {
  RetryPolicy policy(http, clock, random,
                     {.attempts_max = 3, .deadline = std::chrono::seconds{10}});
  http::Url place =
      authority.with_path("/" + settings.tenant_id + "/v2.0/.well-known/openid-configuration");
  Result<std::string> text = co_await fetch_text(policy, std::move(place));
  if (!text) co_return fail(std::move(text.error()));
  const auto configuration = wire::parse_openid_configuration(*text);
  if (!configuration) co_return fail(configuration.error());
  auto keys_url = http::parse_url(configuration->jwks_uri);
  if (!keys_url || !keys_url->is_https()) {
    co_return fail(ErrorKind::protocol, "InvalidOpenIdConfiguration",
                   "the issuer's jwks_uri is not an https URL");
  }
  text = co_await fetch_text(policy, std::move(*keys_url));
  if (!text) co_return fail(std::move(text.error()));
  auto found = wire::parse_jwks(*text);
  if (!found) co_return fail(std::move(found.error()));
  std::erase_if(*found, [this](const wire::TokenKey& key) { return !is_ours(key); });
  issuer = configuration->issuer;
  co_return found;
}

bool TokenValidator::Impl::is_ours(const wire::TokenKey& key) const {
  // Entra ID's key sets may hold keys of other tenants, personal accounts' for one; such a key must
  // not vouch for ours ("{tenantid}" stands for every tenant).
  return key.issuer.empty() || key.issuer.find("{tenantid}") != std::string::npos ||
         to_lower(key.issuer).find(settings.tenant_id) != std::string::npos;
}

const RsaPublicKey* TokenValidator::Impl::find(std::string_view key_id) const {
  const auto found = std::ranges::find(keys, key_id, &wire::TokenKey::key_id);
  return found == keys.end() ? nullptr : &found->key;
}

Result<TokenIdentity> TokenValidator::Impl::check(const Secret& token) const {
  auto claims =
      wire::verify_token(token.reveal(), [this](std::string_view id) { return find(id); });
  if (!claims) return fail(std::move(claims.error()));
  return check_claims(std::move(*claims));
}

Result<TokenIdentity> TokenValidator::Impl::check_claims(wire::TokenClaims claims) const {
  if (!iequals(claims.tenant_id, settings.tenant_id)) {
    return denied("WrongTenant", "the token is of another tenant");
  }
  if (!is_issuer(claims.issuer)) return denied("WrongIssuer", "the token is of another issuer");
  const auto audience = without_scheme(claims.audience);
  if (std::ranges::find(settings.audiences, audience) == settings.audiences.end()) {
    return denied("WrongAudience", "the token is for another API; ask for one for " +
                                       std::string(kUriScheme) + settings.audiences.front());
  }
  const UtcTime now = clock.now();
  if (now >= from_epoch_seconds(claims.expires_at) + kClockSkew) {
    return denied("TokenExpired", "the token is over; get a new one");
  }
  if (now < from_epoch_seconds(claims.not_before) - kClockSkew) {
    return denied("TokenNotYetValid", "the token's time has not come; check the clocks");
  }
  return TokenIdentity{.client_id = std::move(claims.client_id),
                       .object_id = std::move(claims.object_id),
                       .roles = std::move(claims.roles)};
}

bool TokenValidator::Impl::is_issuer(std::string_view name) const {
  if (name == issuer) return true;
  return std::ranges::any_of(kVersion1Issuers, [&](std::string_view prefix) {
    return name.starts_with(prefix) &&
           iequals(without_slash(name.substr(prefix.size())), settings.tenant_id);
  });
}

}  // namespace latchkey::azure
