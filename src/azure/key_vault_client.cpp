#include "azure/key_vault_client.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "azure/vault_challenge.hpp"
#include "base/encoding.hpp"
#include "base/time_text.hpp"

namespace latchkey::azure {
namespace {
constexpr std::string_view kApiVersion = "7.4";
constexpr std::size_t kNameCharactersMax = 127;
/// A page has up to 25 items; a secret up to 500 versions, a vault seldom as many secrets.
constexpr int kVersionPagesMax = 20;
constexpr int kSecretPagesMax = 400;

struct VaultCall {
  http::Method method = http::Method::get;
  http::Url url;
  std::string body;
  std::string secret_name;
  std::string_view role;        ///< that lets one do this
  std::string_view permission;  ///< the same in an access policy
  Trace trace{};
};

bool is_secret_name(std::string_view text) {
  return !text.empty() && text.size() <= kNameCharactersMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '-';
         });
}

class Client final : public KeyVaultClient {
 public:
  Client(http::Url vault, TokenCredential& credential, http::HttpClient& http, Clock& clock,
         Random& random, RetryOptions retry)
      : vault_(std::move(vault)),
        resource_(initial_vault_resource(vault_)),
        credential_(credential),
        http_(http),
        clock_(clock),
        random_(random),
        retry_(retry) {}

  Task<Result<wire::SecretBundle>> get_secret(std::string name, std::string version,
                                              Trace trace) override;
  Task<Result<wire::SecretBundle>> set_secret(std::string name,
                                              wire::SetSecretRequest request) override;
  Task<Result<std::vector<SecretVersion>>> list_secret_versions(std::string name) override;
  Task<Result<std::vector<SecretName>>> list_secrets() override;

 private:
  Task<Result<std::vector<wire::SecretBundle>>> all_pages(VaultCall call, int pages_max);
  http::Url url_of(std::string path) const;
  Task<Result<wire::SecretBundle>> call(VaultCall call);
  /// The answer with status 200; anything else is an Error.
  Task<Result<http::Response>> answer_of(const VaultCall& call);
  Task<Result<http::Response>> send(const VaultCall& call);
  Task<Result<http::ClientRequest>> prepare(const VaultCall& call, std::string resource);
  /// Whom messages are about: "vault NAME.vault.azure.net, secret N".
  std::string who(const VaultCall& call) const;
  Error refusal(Error error, const VaultCall& call) const;
  Error unusable(Error error, const VaultCall& call) const;

  http::Url vault_;
  std::string resource_;  ///< empty until the vault has named it
  TokenCredential& credential_;
  http::HttpClient& http_;
  Clock& clock_;
  Random& random_;
  RetryOptions retry_;
};

Task<Result<wire::SecretBundle>> Client::get_secret(std::string name, std::string version,
                                                    Trace trace) {
  if (!is_secret_name(name) || (!version.empty() && !is_secret_name(version))) {
    co_return fail(ErrorKind::invalid_argument, "BadParameter",
                   "the name and version of a secret have 1 to 127 letters, digits and hyphens");
  }
  std::string path = "/secrets/" + name;
  if (!version.empty()) path += "/" + version;
  VaultCall request;
  request.url = url_of(std::move(path));
  request.secret_name = std::move(name);
  request.role = "Key Vault Secrets User";
  request.permission = "get";
  request.trace = trace;
  co_return co_await call(std::move(request));
}

Task<Result<wire::SecretBundle>> Client::set_secret(std::string name,
                                                    wire::SetSecretRequest request_body) {
  if (!is_secret_name(name)) {
    co_return fail(ErrorKind::invalid_argument, "BadParameter",
                   "the name of a secret has 1 to 127 letters, digits and hyphens");
  }
  VaultCall request;
  request.method = http::Method::put;
  request.url = url_of("/secrets/" + name);
  request.body = wire::render_set_secret(request_body);
  request.secret_name = std::move(name);
  request.role = "Key Vault Secrets Officer";
  request.permission = "set";
  co_return co_await call(std::move(request));
}

Task<Result<std::vector<SecretVersion>>> Client::list_secret_versions(std::string name) {
  if (!is_secret_name(name)) {
    co_return fail(ErrorKind::invalid_argument, "BadParameter",
                   "the name of a secret has 1 to 127 letters, digits and hyphens");
  }
  VaultCall request;
  request.url = url_of("/secrets/" + name + "/versions");
  request.secret_name = std::move(name);
  request.role = "Key Vault Secrets User";
  request.permission = "list";
  auto items = co_await all_pages(std::move(request), kVersionPagesMax);
  if (!items) co_return fail(std::move(items.error()));
  std::vector<SecretVersion> versions;
  for (const wire::SecretBundle& item : *items) {
    versions.push_back({.version = item.version(),
                        .enabled = item.attributes.enabled,
                        .created = from_epoch_seconds(item.attributes.created)});
  }
  co_return versions;
}

Task<Result<std::vector<SecretName>>> Client::list_secrets() {
  VaultCall request;
  request.url = url_of("/secrets");
  request.role = "Key Vault Secrets User";
  request.permission = "list";
  auto items = co_await all_pages(std::move(request), kSecretPagesMax);
  if (!items) co_return fail(std::move(items.error()));
  std::vector<SecretName> names;
  for (const wire::SecretBundle& item : *items) {
    names.push_back(
        {.name = item.id.substr(item.id.rfind('/') + 1), .enabled = item.attributes.enabled});
  }
  co_return names;
}

Task<Result<std::vector<wire::SecretBundle>>> Client::all_pages(VaultCall request, int pages_max) {
  std::vector<wire::SecretBundle> items;
  for (int pages = 1;; ++pages) {
    Result<http::Response> answer = co_await answer_of(request);
    if (!answer) co_return fail(std::move(answer.error()));
    Result<wire::SecretPage> page = wire::parse_secret_page(answer->body);
    if (!page) co_return fail(unusable(std::move(page.error()), request));
    std::move(page->items.begin(), page->items.end(), std::back_inserter(items));
    if (page->next_link.empty()) co_return items;
    const auto next = http::parse_url(page->next_link);
    // The token goes to this vault and to nobody else.
    if (pages == pages_max || !next || next->origin() != vault_.origin()) {
      co_return fail(ErrorKind::protocol, "BadNextLink",
                     who(request) + ": the list does not end, or leads elsewhere");
    }
    request.url = *next;
  }
}

http::Url Client::url_of(std::string path) const {
  http::Url url = vault_.with_path(std::move(path));
  url.add_parameter("api-version", kApiVersion);
  return url;
}

Task<Result<wire::SecretBundle>> Client::call(VaultCall request) {
  Result<http::Response> answer = co_await answer_of(request);
  if (!answer) co_return fail(std::move(answer.error()));
  Result<wire::SecretBundle> bundle = wire::parse_secret_bundle(answer->body);
  if (!bundle) co_return fail(unusable(std::move(bundle.error()), request));
  if (!bundle->has_value) {
    co_return fail(ErrorKind::protocol, "SecretWithoutValue",
                   who(request) + ": the answer has no value");
  }
  co_return bundle;
}

Task<Result<http::Response>> Client::answer_of(const VaultCall& request) {
  Result<http::Response> answer = co_await send(request);
  if (!answer) {
    Error error = std::move(answer.error());
    error.message = who(request) + ": " + error.message;
    co_return fail(std::move(error));
  }
  if (answer->status != 200) {
    co_return fail(refusal(wire::vault_error_from(*answer, who(request)), request));
  }
  co_return answer;
}

/// One call, and once more after a 401: with a new token, for the resource that the vault names.
Task<Result<http::Response>> Client::send(const VaultCall& request) {
  RetryPolicy policy(http_, clock_, random_, retry_);
  std::string resource = resource_;
  RetryPolicy::Prepare make = [this, &request, &resource] { return prepare(request, resource); };
  Result<http::Response> answer = co_await policy.send(make);
  if (!answer || answer->status != 401) co_return answer;

  const auto header = answer->headers.find("WWW-Authenticate");
  Result<std::string> named = challenged_resource(header.value_or(""), vault_);
  if (!named) {
    // Without a challenge the token itself may be to blame; a false challenge ends the matter.
    if (resource.empty() || named.error().code != "ChallengeMissing") {
      co_return fail(std::move(named.error()));
    }
    named = resource;
  }
  if (*named == resource) credential_.forget(resource);
  resource = std::move(*named);
  answer = co_await policy.send(make);
  // Kept once it has worked: a vault's mood must not spoil what works.
  if (answer && answer->status != 401) resource_ = resource;
  co_return answer;
}

Task<Result<http::ClientRequest>> Client::prepare(const VaultCall& call, std::string resource) {
  http::ClientRequest request;
  request.method = call.method;
  request.url = call.url;
  request.trace = call.trace;
  request.headers.add("Accept", "application/json");
  if (call.trace) request.headers.add("x-ms-client-request-id", to_hex(call.trace.trace_id));
  if (!resource.empty()) {
    Result<AccessToken> token = co_await credential_.get_token(std::move(resource));
    if (!token) co_return fail(std::move(token.error()));
    request.headers.add("Authorization", "Bearer " + std::string(token->value.reveal()));
    request.body = call.body;
  }
  // Without a token nothing but a challenge is expected: the secret stays here.
  if (!request.body.empty()) request.headers.add("Content-Type", "application/json");
  co_return request;
}

std::string Client::who(const VaultCall& call) const {
  std::string text = "vault " + vault_.authority();
  if (!call.secret_name.empty()) text += ", secret " + call.secret_name;
  return text;
}

Error Client::unusable(Error error, const VaultCall& call) const {
  error.message = who(call) + ": " + error.message;
  return error;
}

Error Client::refusal(Error error, const VaultCall& call) const {
  if (error.kind == ErrorKind::not_found) {
    error.message += "; store it under that name, or correct the name";
    return error;
  }
  if (error.kind != ErrorKind::denied) return error;
  if (error.http_status == 401) {
    error.message +=
        "; the vault does not accept the identity's token: check that both belong to "
        "one tenant";
  } else if (error.code == "SecretDisabled") {
    error.message += "; enable the secret";
  } else if (error.code == "ForbiddenByFirewall") {
    error.message += "; allow this address or network in the vault's networking settings";
  } else if (error.code == "AccessDenied") {
    error.message += "; give the identity the secrets permission \"" +
                     std::string(call.permission) + "\" in the vault's access policy";
  } else {
    error.message +=
        "; assign the role \"" + std::string(call.role) + "\" on the vault to the identity";
  }
  return error;
}

}  // namespace

Task<Result<std::vector<SecretVersion>>> KeyVaultClient::list_secret_versions(std::string name) {
  co_return fail(ErrorKind::denied, "ListNotAllowed",
                 "the versions of secret " + name + " cannot be listed here");
}

Task<Result<std::vector<SecretName>>> KeyVaultClient::list_secrets() {
  co_return fail(ErrorKind::denied, "ListNotAllowed", "the secrets cannot be listed here");
}

Result<std::unique_ptr<KeyVaultClient>> KeyVaultClient::create(std::string vault_url,
                                                               TokenCredential& credential,
                                                               http::HttpClient& http, Clock& clock,
                                                               Random& random, RetryOptions retry) {
  auto url = http::parse_url(vault_url);
  if (!url) {
    Error error = std::move(url.error());
    error.kind = ErrorKind::invalid_argument;
    error.message = "the vault's URL: " + error.message;
    return fail(std::move(error));
  }
  if (!url->is_https()) {
    return fail(ErrorKind::invalid_argument, "HttpsRequired",
                "the vault's URL must be https, for a token is sent there: " + url->origin());
  }
  if (url->path != "/" || !url->query.empty()) {
    return fail(ErrorKind::invalid_argument, "UnexpectedPath",
                "the vault's URL ends with its host, as in https://NAME.vault.azure.net: got more "
                "behind " +
                    url->origin());
  }
  return std::make_unique<Client>(std::move(*url), credential, http, clock, random, retry);
}

}  // namespace latchkey::azure
