#pragma once

#include <string>

#include "azure/credential.hpp"
#include "azure/key_vault_client.hpp"
#include "codes/redis_connection.hpp"

/// Where a Redis login comes from. What is referred to must outlive the tables.
namespace latchkey::codes {

/// What the address itself says: for a Redis on this machine.
RedisLoginSource login_of(const RedisAddress& address);

/// The password is a secret of the vault, read again when Redis refuses it.
RedisLoginSource login_by_secret(std::string user, azure::CachedSecret& password);

/// Azure's managed Redis takes a token of Entra ID as password; `user` is the identity's object id.
/// It ends a connection whose token has ended, unless AUTH came with a new one before.
/// Source: Azure documentation, "Use Microsoft Entra for cache authentication".
RedisLoginSource login_by_token(std::string user, azure::TokenCredential& credential);

}  // namespace latchkey::codes
