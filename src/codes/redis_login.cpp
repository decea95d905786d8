#include "codes/redis_login.hpp"

#include <utility>

namespace latchkey::codes {
namespace {

constexpr const char* kResource = "https://redis.azure.com";

Task<Result<RedisLogin>> as_it_is(RedisLogin login) {
  co_return login;
}

Task<Result<RedisLogin>> with_secret(std::string user, azure::CachedSecret& password,
                                     bool refused) {
  auto value = co_await password.get();
  if (value && refused) value = co_await password.get_after_refusal(std::move(*value));
  if (!value) co_return fail(std::move(value.error()));
  co_return RedisLogin{.user = std::move(user), .password = std::move(*value)};
}

Task<Result<RedisLogin>> with_token(std::string user, azure::TokenCredential& credential,
                                    bool refused) {
  if (refused) credential.forget(kResource);
  auto token = co_await credential.get_token(kResource);
  if (!token) co_return fail(std::move(token.error()));
  co_return RedisLogin{
      .user = std::move(user), .password = std::move(token->value), .ends = token->expires_on};
}

}  // namespace

RedisLoginSource login_of(const RedisAddress& address) {
  return [login = RedisLogin{.user = address.user, .password = address.password}](bool) {
    return as_it_is(login);
  };
}

RedisLoginSource login_by_secret(std::string user, azure::CachedSecret& password) {
  return [user = std::move(user), &password](bool refused) {
    return with_secret(user, password, refused);
  };
}

RedisLoginSource login_by_token(std::string user, azure::TokenCredential& credential) {
  return [user = std::move(user), &credential](bool refused) {
    return with_token(user, credential, refused);
  };
}

}  // namespace latchkey::codes
