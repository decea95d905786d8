#include "service/gatekeeper.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "service/problem.hpp"

namespace latchkey::service {
namespace {

constexpr std::string_view kKeyHeader = "x-api-key";

/// What stands behind "Bearer"; empty for other schemes (RFC 6750 section 2.1).
std::string_view bearer_token(const http::Headers& headers) {
  static constexpr std::string_view kScheme = "Bearer ";
  const auto value = headers.find("Authorization");
  if (!value || !istarts_with(*value, kScheme)) return {};
  return trim(value->substr(kScheme.size()));
}

http::Response cannot_tell(const Error& error, std::string_view what) {
  log::error("caller_unknown",
             {{"what", what}, {"kind", to_string(error.kind)}, {"problem", error.message}});
  return problem_response({.status = 503,
                           .name = "callers-unknown",
                           .title = "Callers cannot be told apart now",
                           .detail = "What credentials are checked with cannot be read. Try again "
                                     "shortly.",
                           .retry_after = std::chrono::seconds{1}});
}

}  // namespace

struct Gatekeeper::Identity {
  std::string name;
  std::vector<std::string> roles;
};

Gatekeeper::Gatekeeper(GatekeeperOptions options, codes::Audit& audit)
    : options_(std::move(options)), audit_(audit) {
  LK_ASSERT(options_.open || options_.api_keys || options_.bearer);
}

Task<tl::expected<Caller, http::Response>> Gatekeeper::admit(const http::Request& request,
                                                             Role needed) {
  if (options_.open) co_return Caller{.name = "address:" + request.peer_address};
  auto identity = co_await identify(request);
  if (!identity) co_return tl::unexpected<http::Response>(std::move(identity.error()));
  const auto& roles = identity->roles;
  if (std::find(roles.begin(), roles.end(), to_string(needed)) == roles.end()) {
    const std::string why = fmt::format("role missing: {}", to_string(needed));
    audit_.record(
        {.kind = codes::AuditEventKind::caller_refused, .caller = identity->name, .reason = why});
    co_return problem_instead(
        {.status = 403,
         .name = "role-missing",
         .title = "Role missing",
         .detail =
             fmt::format("The caller is known, but has not the role {}.", to_string(needed))});
  }
  co_return Caller{.name = std::move(identity->name)};
}

Task<tl::expected<Gatekeeper::Identity, http::Response>> Gatekeeper::identify(
    const http::Request& request) {
  const std::string address = "address:" + request.peer_address;
  const std::string_view key = request.headers.find(kKeyHeader).value_or("");
  const std::string_view token = bearer_token(request.headers);
  const bool repeated =
      request.headers.count(kKeyHeader) > 1 || request.headers.count("Authorization") > 1;
  if (repeated || (!key.empty() && !token.empty())) {
    audit_.record({.kind = codes::AuditEventKind::caller_refused,
                   .caller = address,
                   .reason = "several credentials"});
    co_return problem_instead(
        {.status = 400,
         .name = "several-credentials",
         .title = "Several credentials",
         .detail = "Send one credential: either x-api-key or Authorization: Bearer, once."});
  }
  if (!key.empty()) co_return co_await identify_key(Secret(std::string(key)), address);
  if (!token.empty()) co_return co_await identify_token(Secret(std::string(token)), address);
  co_return refuse(address, "no credential");
}

Task<tl::expected<Gatekeeper::Identity, http::Response>> Gatekeeper::identify_key(
    Secret key, std::string address) {
  if (!options_.api_keys) co_return refuse(address, "API keys are not accepted");
  auto found = co_await look_up(key, false);
  // A key may be newer than what we have read. The source limits how often it really reads again.
  if (found && *found == nullptr) found = co_await look_up(key, true);
  if (!found) {
    co_return tl::unexpected<http::Response>(cannot_tell(found.error(), "API keys"));
  }
  if (*found == nullptr) co_return refuse(address, "unknown API key");
  const ApiKey& entry = **found;
  Identity identity{.name = "key:" + entry.name, .roles = {}};
  for (const Role role : entry.roles) identity.roles.emplace_back(to_string(role));
  co_return identity;
}

Task<Result<const ApiKey*>> Gatekeeper::look_up(const Secret& key, bool refused) {
  auto text = co_await options_.api_keys(refused);
  if (!text) co_return fail(text.error());
  if (keys_text_.empty() || !(*text == keys_text_)) {
    auto keys = parse_api_keys(text->reveal());
    if (!keys) co_return fail(keys.error());
    keys_ = std::move(*keys);
    keys_text_ = std::move(*text);
  }
  co_return find_api_key(keys_, key.reveal());
}

Task<tl::expected<Gatekeeper::Identity, http::Response>> Gatekeeper::identify_token(
    Secret token, std::string address) {
  if (!options_.bearer) co_return refuse(address, "tokens are not accepted");
  auto claims = co_await options_.bearer(std::move(token));
  if (claims) {
    co_return Identity{.name = "app:" + claims->client_id, .roles = std::move(claims->roles)};
  }
  if (claims.error().kind == ErrorKind::denied) co_return refuse(address, claims.error().code);
  co_return tl::unexpected<http::Response>(cannot_tell(claims.error(), "token keys"));
}

tl::unexpected<http::Response> Gatekeeper::refuse(std::string_view address, std::string_view why) {
  audit_.record({.kind = codes::AuditEventKind::caller_refused, .caller = address, .reason = why});
  http::Response response =
      problem_response({.status = 401,
                        .name = "credential-refused",
                        .title = "No credential, or one that is not accepted",
                        .detail = "WWW-Authenticate names the credentials that this API accepts."});
  if (options_.bearer) response.headers.add("WWW-Authenticate", R"(Bearer realm="latchkey")");
  if (options_.api_keys) {
    response.headers.add("WWW-Authenticate", R"(ApiKey realm="latchkey", header="x-api-key")");
  }
  return tl::unexpected<http::Response>(std::move(response));
}

}  // namespace latchkey::service
