#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "http/message.hpp"

/// Key Vault's JSON for secrets, both directions.
/// Source: REST reference "Secrets", api-version 7.x.
namespace latchkey::wire {

/// Key Vault's limits on a secret.
inline constexpr std::size_t kSecretValueBytesMax = std::size_t{25} * 1024;
inline constexpr std::size_t kSecretTagsMax = 15;
inline constexpr std::size_t kSecretTagBytesMax = 256;  ///< of a tag's name, and of its value
inline constexpr std::size_t kSecretContentTypeBytesMax = 255;

struct SecretAttributes {
  bool enabled = true;
  std::optional<std::int64_t> not_before;  ///< epoch seconds, as all times here
  std::optional<std::int64_t> expires;
  std::int64_t created = 0;
  std::int64_t updated = 0;
  std::string recovery_level = "Recoverable+Purgeable";
  int recoverable_days = 90;
};

/// What a bundle says of a secret that is deleted and can be recovered.
struct SecretDeletion {
  std::string recovery_id;  ///< https://VAULT/deletedsecrets/NAME
  std::int64_t deleted = 0;
  std::int64_t scheduled_purge = 0;
};

struct SecretBundle {
  Secret value;
  bool has_value = true;  ///< items of lists have none
  std::string id;         ///< https://VAULT/secrets/NAME/VERSION
  std::optional<std::string> content_type;
  std::map<std::string, std::string> tags;
  SecretAttributes attributes;
  std::optional<SecretDeletion> deletion{};  ///< written, not read
  /// The last path segment of `id` ("" when the id has no version).
  std::string version() const;
};

std::string render_secret_bundle(const SecretBundle& bundle);
/// Error: protocol, code InvalidSecretBundle, naming the member. Members that we do not know are
/// passed over; a missing value gives has_value = false.
Result<SecretBundle> parse_secret_bundle(std::string_view json);

/// One page of a list of secrets or of a secret's versions: {"value":[...],"nextLink":...}.
struct SecretPage {
  std::vector<SecretBundle> items;  ///< without values
  std::string next_link;            ///< where the next page is; empty on the last
};
/// Error: as parse_secret_bundle.
Result<SecretPage> parse_secret_page(std::string_view json);

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
/// Error: invalid_argument, code BadParameter, naming the member that is missing, of a wrong type
/// or beyond a limit above.
Result<SetSecretRequest> parse_set_secret(std::string_view json);

/// Body of Update Secret: what is absent stays as it is; tags are replaced as a whole.
struct UpdateSecretRequest {
  std::optional<std::string> content_type;
  std::optional<std::map<std::string, std::string>> tags;
  std::optional<bool> enabled;
  std::optional<std::int64_t> not_before;
  std::optional<std::int64_t> expires;
};
/// Error: as parse_set_secret.
Result<UpdateSecretRequest> parse_update_secret(std::string_view json);

/// A backup as Backup Secret gives it and Restore Secret takes it: {"value": base64url}.
std::string render_secret_backup(std::string_view blob);
/// The blob. Error: invalid_argument, code BadParameter.
Result<std::string> parse_secret_backup(std::string_view json);

/// {"error":{"code":...,"message":...,"innererror":{"code":...}}}; `inner` may be empty.
std::string render_vault_error(std::string_view code, std::string_view message,
                               std::string_view inner = {});
/// What a client makes of a failed answer; `who` names vault and secret. Code is the inner code
/// where there is one. The message has all of the service's lines (they say who lacks which
/// action), and the role to assign where that is the remedy.
Error vault_error_from(const http::Response& response, std::string_view who);

}  // namespace latchkey::wire
