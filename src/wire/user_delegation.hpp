#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/secret.hpp"
#include "wire/storage_error.hpp"

/// User delegation keys: what somebody with a token gets to sign SAS with, in place of the account
/// key. Source: REST reference, "Get User Delegation Key".
namespace latchkey::wire {

/// The request's body.
struct KeyInfo {
  std::optional<UtcTime> start{};
  UtcTime expiry{};
  std::string delegated_tenant_id{};  ///< empty when there is none
};
/// Errors: InvalidXmlDocument, MissingRequiredXmlNode, InvalidXmlNodeValue.
Served<KeyInfo> parse_key_info(std::string_view xml);

/// Whom and what a key is for. Times are texts, as a SAS repeats them letter by letter.
struct UserDelegation {
  std::string object_id;            ///< skoid
  std::string tenant_id;            ///< sktid
  std::string start;                ///< skt
  std::string expiry;               ///< ske
  std::string service;              ///< sks, "q" for queues
  std::string version;              ///< skv
  std::string delegated_tenant_id;  ///< skdutid
};
/// `key` is base64.
std::string render_user_delegation_key(const UserDelegation& delegation, const Secret& key);

}  // namespace latchkey::wire
