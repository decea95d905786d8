#include "cloud/queues/queue_authorization.hpp"

#include <algorithm>
#include <array>

#include "base/log.hpp"
#include "base/secret.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "cloud/queues/queue_rules.hpp"
#include "cloud/queues/sas_rules.hpp"
#include "cloud/queues/signature_hint.hpp"
#include "cloud/request_facts.hpp"
#include "wire/challenge.hpp"

namespace latchkey::cloud {
namespace {

constexpr std::string_view kStorage = "https://storage.azure.com";
/// Azure Storage's own application id, which is an audience as well.
constexpr std::string_view kStorageGuid = "e406a681-f3d4-42a8-90b6-c2b029497af1";
/// Who came by a production name through the proxy finds the login service by its own.
constexpr std::string_view kPublicLogin = "https://login.microsoftonline.com";
constexpr std::string_view kPublicDomain = ".queue.core.windows.net";
constexpr std::string_view kBearer = "Bearer ";
constexpr std::string_view kBearerSince = "2017-11-09";
constexpr std::string_view kChallengeSince = "2019-12-12";
constexpr std::chrono::minutes kSkewMax{15};

bool is_scheme(std::string_view authorization, std::string_view scheme) {
  return istarts_with(authorization, scheme) && authorization.size() > scheme.size() &&
         authorization[scheme.size()] == ' ';
}

/// The date that a Shared Key request is signed with must be near ours, so that a request that
/// somebody has seen cannot be sent again tomorrow.
Refusal check_date(const http::Headers& headers, UtcTime now) {
  const auto text = headers.find("x-ms-date");
  const auto date = from_rfc1123(text ? *text : headers.find("Date").value_or(""));
  if (!date) {
    return authentication_failed("The x-ms-date or Date header is missing or not an HTTP date.");
  }
  if (*date < now - kSkewMax || *date > now + kSkewMax) {
    return authentication_failed("Request date header is more than 15 minutes off: it says '" +
                                 to_rfc1123(*date) + "', the service's clock '" + to_rfc1123(now) +
                                 "'.");
  }
  return std::nullopt;
}

std::string signature_differs(std::string_view string_to_sign) {
  return std::string(
             "The signature found in the request is not the same as any computed "
             "signature. Server used following string to sign: '")
      .append(string_to_sign)
      .append("'.");
}

wire::SignedRequest signed_request(const QueueCall& call, std::string_view path) {
  return {.method = call.request.method,
          .path = path,
          .query = &call.query,
          .headers = &call.request.headers,
          .content_length = call.request.body.size()};
}

/// The paths over which a client may have signed: as sent, and for the secondary of a path-style
/// account without the suffix, as SDKs differ.
std::vector<std::string> signed_paths(const QueueCall& call) {
  std::vector<std::string> paths{std::string(call.request.path())};
  if (call.address.secondary && call.address.path_style) {
    const std::string named = "/" + call.address.account + "-secondary";
    if (paths[0].starts_with(named)) {
      paths.push_back("/" + call.address.account + paths[0].substr(named.size()));
    }
  }
  return paths;
}

std::string challenge_to(std::string_view login_origin, const std::string& tenant) {
  return wire::render_storage_challenge({.authorization = std::string(login_origin) + "/" + tenant,
                                         .resource = std::string(kStorage)});
}

}  // namespace

wire::StorageError authentication_failed(std::string_view detail) {
  return wire::storage_error("AuthenticationFailed",
                             {{"AuthenticationErrorDetail", std::string(detail)}});
}

QueueAuthorization::QueueAuthorization(Options options, Authenticator& authenticator,
                                       const RoleAssignments& roles, Clock& clock)
    : tenancy_(std::move(options.tenancy)),
      challenge_(challenge_to(options.login_origin, tenancy_.tenant_id)),
      public_challenge_(challenge_to(kPublicLogin, tenancy_.tenant_id)),
      delegation_keys_(std::move(options.delegation_keys)),
      find_policy_(std::move(options.find_policy)),
      authenticator_(authenticator),
      roles_(roles),
      clock_(clock) {
  for (auto& names : options.accounts) {
    accounts_.push_back({.names = names,
                         .host = "https://" + names.name + std::string(kPublicDomain),
                         .resource_id = tenancy_.storage_account(names.name)});
  }
}

const QueueAuthorization::Account* QueueAuthorization::find_account(std::string_view name) const {
  const auto found = std::find_if(accounts_.begin(), accounts_.end(),
                                  [name](const Account& a) { return a.names.name == name; });
  return found == accounts_.end() ? nullptr : &*found;
}

Served<Caller> QueueAuthorization::check(const QueueCall& call) {
  const Account* account = find_account(call.address.account);
  if (account == nullptr) return refuse(wire::storage_error("ResourceNotFound"));
  const auto header = call.request.headers.find("Authorization");
  if (call.request.headers.count("Authorization") > 1) {
    return refuse(authentication_failed("There is more than one Authorization header."));
  }
  auto sas = wire::parse_sas(call.query);
  if (!sas) return refuse(authentication_failed("A field of the SAS stands in the URL twice."));
  const bool for_one_user = *sas && !(*sas)->delegated_object_id.empty();
  if (header && is_scheme(*header, "Bearer") && !for_one_user) return check_bearer(call, *account);
  if (!header && !*sas) return refuse(unauthenticated(call, "NoAuthenticationInformation", ""));
  if (call.operation == QueueOperation::get_user_delegation_key) {
    return refuse(authentication_failed("Only authentication scheme Bearer is supported."));
  }
  Refusal refusal;
  if (*sas && (!header || for_one_user)) {
    refusal = check_sas(call, *account, **sas);
    if (!refusal && for_one_user) refusal = check_delegated_user(call, *account, **sas);
  } else if (is_scheme(*header, "SharedKey") || is_scheme(*header, "SharedKeyLite")) {
    refusal = check_shared_key(call, *account, *header);
  } else {
    refusal = unauthenticated(call, "InvalidAuthenticationInfo",
                              "The authentication scheme is not supported.");
  }
  if (refusal) return refuse(std::move(*refusal));
  return Caller{};
}

wire::StorageError QueueAuthorization::unauthenticated(const QueueCall& call, std::string_view code,
                                                       std::string_view detail) const {
  if (call.version < kChallengeSince) {
    if (code == "NoAuthenticationInformation") return wire::storage_error("AuthenticationFailed");
    // A malformed header is 400 there; the challenge came with 2019-12-12.
    auto error = wire::storage_error(code);
    error.status = 400;
    error.message =
        "Authentication information is not given in the correct format. Check the "
        "value of Authorization header.";
    return error;
  }
  auto error = wire::storage_error(code);
  if (!detail.empty()) error.details.emplace_back("AuthenticationErrorDetail", detail);
  const bool is_public = request_host(call.request).ends_with(kPublicDomain);
  error.headers.emplace_back("WWW-Authenticate", is_public ? public_challenge_ : challenge_);
  return error;
}

bool QueueAuthorization::signed_with_a_key(const Account& account, std::string_view text,
                                           std::string_view signature) const {
  return constant_time_equal(wire::sign_with_key(text, account.names.key1), signature) ||
         (!account.names.key2.empty() &&
          constant_time_equal(wire::sign_with_key(text, account.names.key2), signature));
}

Refusal QueueAuthorization::check_shared_key(const QueueCall& call, const Account& account,
                                             std::string_view authorization) const {
  const auto given = wire::parse_shared_key_authorization(authorization);
  if (!given) {
    return unauthenticated(call, "InvalidAuthenticationInfo",
                           "The Authorization header is not of the form SCHEME "
                           "ACCOUNT:SIGNATURE.");
  }
  const std::string& name = call.address.account;
  const std::string secondary = name + "-secondary";
  if (given->account != name && !(call.address.secondary && given->account == secondary)) {
    return authentication_failed("The Authorization header names another account.");
  }
  if (auto refusal = check_date(call.request.headers, clock_.now())) return refusal;

  std::string first_tried;
  for (const std::string& path : signed_paths(call)) {
    const wire::SignedRequest request = signed_request(call, path);
    for (const std::string* signer : {&name, &secondary}) {
      if (signer == &secondary && !call.address.secondary) continue;
      std::string text = given->lite ? wire::shared_key_lite_string_to_sign(request, *signer)
                                     : wire::shared_key_string_to_sign(request, *signer);
      if (signed_with_a_key(account, text, given->signature)) return std::nullopt;
      if (first_tried.empty()) first_tried = std::move(text);
    }
  }
  if (log::enabled(log::Level::debug)) {
    const std::string hint = signature_hint(
        signed_request(call, call.request.path()), name, given->lite,
        [&](std::string_view text) { return signed_with_a_key(account, text, given->signature); });
    log::debug("queue_signature_differs",
               {{"client_signed", hint.empty() ? "something else, or with another key" : hint}});
  }
  return authentication_failed(signature_differs(first_tried));
}

Refusal QueueAuthorization::check_sas(const QueueCall& call, const Account& account,
                                      wire::Sas sas) const {
  if (!is_api_version(sas.version)) {
    return authentication_failed("Signed version (sv) is missing or not a version.");
  }
  // The fields of one kind are not signed in another, where anybody could add them.
  const int kinds = (sas.is_account_sas() ? 1 : 0) + (sas.is_user_delegation_sas() ? 1 : 0) +
                    (sas.identifier.empty() ? 0 : 1);
  if (kinds > 1) {
    return authentication_failed("The SAS mixes fields of different kinds of SAS.");
  }
  if (!sas.is_account_sas() && call.address.queue.empty()) {
    return authentication_failed("A service SAS is for one queue; this request names none.");
  }
  if (auto refusal = check_sas_signature(call, account, sas)) return refusal;
  if (!sas.identifier.empty()) {
    const auto policy = find_policy_(call.address.account, call.address.queue, sas.identifier);
    if (!policy) {
      return authentication_failed("There is no stored access policy '" + sas.identifier + "'.");
    }
    if (auto refusal = apply_policy(sas, *policy)) return refusal;
  }
  const SasUse use{.operation = call.operation,
                   .now = clock_.now(),
                   .over_tls = call.request.over_tls,
                   .peer_address = call.request.peer_address};
  if (auto refusal = check_sas_grants(sas, use)) return refusal;
  if (!sas.is_user_delegation_sas()) return std::nullopt;
  if (auto refusal = check_delegation(sas.delegation, use.now)) return refusal;
  // Nobody can hand on more than they may do themselves.
  return check_role(call, account, sas.delegation.object_id);
}

Refusal QueueAuthorization::check_sas_signature(const QueueCall& call, const Account& account,
                                                const wire::Sas& sas) const {
  const std::string& name = call.address.account;
  const std::string& queue = call.address.queue;
  if (sas.is_user_delegation_sas()) {
    const std::string text = wire::user_delegation_sas_string_to_sign(sas, name, queue);
    const Secret key = delegation_keys_.key_of(sas.delegation, name);
    if (constant_time_equal(wire::sign_with_key(text, key), sas.signature)) return std::nullopt;
    return authentication_failed(signature_differs(text));
  }
  const std::string text = sas.is_account_sas()
                               ? wire::account_sas_string_to_sign(sas, name)
                               : wire::service_sas_string_to_sign(sas, name, queue);
  if (signed_with_a_key(account, text, sas.signature)) return std::nullopt;
  return authentication_failed(signature_differs(text));
}

Refusal QueueAuthorization::check_delegated_user(const QueueCall& call, const Account& account,
                                                 const wire::Sas& sas) {
  const auto header = call.request.headers.find("Authorization").value_or("");
  if (!is_scheme(header, "Bearer")) {
    return authentication_failed("This SAS is for one user (sduoid), whose token is missing.");
  }
  const auto caller = read_token(call, account);
  if (!caller) return caller.error();
  const std::string& tenant = sas.delegation.delegated_tenant_id;
  const bool tenant_fits = tenant.empty() || iequals(tenant, caller->tenant_id);
  if (tenant_fits && iequals(sas.delegated_object_id, caller->object_id)) return std::nullopt;
  return authentication_failed("The token is not that of the user whom the SAS names (sduoid).");
}

Served<Caller> QueueAuthorization::check_bearer(const QueueCall& call, const Account& account) {
  auto caller = read_token(call, account);
  if (!caller) return caller;
  if (auto refusal = check_role(call, account, caller->object_id)) {
    return refuse(std::move(*refusal));
  }
  return caller;
}

Served<Caller> QueueAuthorization::read_token(const QueueCall& call, const Account& account) {
  if (call.version < kBearerSince) {
    return refuse(
        authentication_failed("Authentication scheme Bearer is not supported in this version."));
  }
  if (!call.request.over_tls) {
    return refuse(
        authentication_failed("Authentication scheme Bearer is not allowed over plain http."));
  }
  const std::string_view token =
      trim(call.request.headers.find("Authorization").value_or("").substr(kBearer.size()));
  const std::string origin = is_queue_host(call.request, account.names.name)
                                 ? request_origin(call.request)
                                 : std::string(kStorage);
  const std::array<std::string_view, 4> audiences = {kStorage, account.host, origin, kStorageGuid};
  const auto principal = authenticator_.authenticate(token, audiences);
  if (!principal) {
    return refuse(unauthenticated(call, "InvalidAuthenticationInfo", principal.error().message));
  }
  return Caller{.object_id = principal->object_id, .tenant_id = principal->tenant_id};
}

Refusal QueueAuthorization::check_role(const QueueCall& call, const Account& account,
                                       std::string_view object_id) const {
  const std::string resource = call.address.queue.empty()
                                   ? account.resource_id
                                   : tenancy_.queue(account.names.name, call.address.queue);
  const wire::Requirement& needed = needs_of(call.operation).roles;
  if (roles_.allowed(object_id, needed, resource)) return std::nullopt;
  return wire::storage_error("AuthorizationPermissionMismatch");
}

}  // namespace latchkey::cloud
