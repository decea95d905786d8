#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "http/message.hpp"

/// Key Vault's JSON for secrets, both directions.
/// Source: REST reference "Secrets", api-version 7.x.
namespace latchkey::wire {

struct SecretAttributes {
  bool enabled = true;
  std::optional<std::int64_t> not_before;  ///< epoch seconds, as all times here
  std::optional<std::int64_t> expires;
  std::int64_t created = 0;
  std::int64_t updated = 0;
  std::string recovery_level = "Recoverable+Purgeable";
  int recoverable_days = 90;
};

struct SecretBundle {
  Secret value;
  bool has_value = true;  ///< items of lists have none
  std::string id;         ///< https://VAULT/secrets/NAME/VERSION
  std::optional<std::string> content_type;
  std::map<std::string, std::string> tags;
  SecretAttributes attributes;
  /// The last path segment of `id` ("" when the id has no version).
  std::string version() const;
};

std::string render_secret_bundle(const SecretBundle& bundle);
Result<SecretBundle> parse_secret_bundle(std::string_view json);

/// Body of Set Secret: {"value": ..., "contentType": ..., "tags": {...}, "attributes": {...}}.
struct SetSecretRequest {
  Secret value;
  std::optional<std::string> content_type;
  std::map<std::string, std::string> tags;
  std::optional<bool> enabled;
  std::optional<std::int64_t> not_before;
  std::optional<std::int64_t> expires;
};
std::string render_set_secret(const SetSecretRequest& request);
/// Error: invalid_argument, code BadParameter, naming the member.
Result<SetSecretRequest> parse_set_secret(std::string_view json);

/// {"error":{"code":...,"message":...,"innererror":{"code":...}}}; `inner` may be empty.
std::string render_vault_error(std::string_view code, std::string_view message,
                               std::string_view inner = {});
/// What a client makes of a failed answer; `who` names vault and secret. Code is the inner code
/// where there is one.
Error vault_error_from(const http::Response& response, std::string_view who);

}  // namespace latchkey::wire
