#include "base/password_hash.hpp"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <array>
#include <atomic>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <memory>
#include <optional>

#include "base/assert.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"

namespace latchkey {
namespace {

constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kHashBytes = 32;

struct Parsed {
  ScryptCost cost;
  Bytes salt;
  Bytes hash;
};

std::optional<std::uint32_t> parse_setting(std::string_view text, std::string_view name,
                                           std::uint32_t max) {
  if (!text.starts_with(name)) return std::nullopt;
  const auto value = parse_integer<std::uint32_t>(text.substr(name.size()));
  if (!value || *value < 1 || *value > max) return std::nullopt;
  return value;
}

std::optional<Parsed> parse(std::string_view text) {
  const auto parts = split(text, '$');
  if (parts.size() != 5 || !parts[0].empty() || parts[1] != "scrypt") return std::nullopt;
  const auto settings = split(parts[2], ',');
  if (settings.size() != 3) return std::nullopt;
  const auto log2_n = parse_setting(settings[0], "ln=", 20);
  const auto r = parse_setting(settings[1], "r=", 16);
  const auto p = parse_setting(settings[2], "p=", 16);
  auto salt = from_base64url(parts[3]);
  auto hash = from_base64url(parts[4]);
  if (!log2_n || !r || !p || !salt || !hash) return std::nullopt;
  if (salt->size() != kSaltBytes || hash->size() != kHashBytes) return std::nullopt;
  return Parsed{{*log2_n, *r, *p}, std::move(*salt), std::move(*hash)};
}

Bytes scrypt(const Secret& password, std::span<const std::uint8_t> salt, ScryptCost cost) {
  const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> kdf(
      EVP_KDF_fetch(nullptr, "SCRYPT", nullptr), EVP_KDF_free);
  const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context(
      EVP_KDF_CTX_new(kdf.get()), EVP_KDF_CTX_free);
  LK_ASSERT(context != nullptr);
  std::uint64_t n = std::uint64_t{1} << cost.log2_n;
  // OpenSSL's own limit (1 GiB by default) would refuse what is_password_hash allows.
  std::uint64_t memory_max = (std::uint64_t{128} * cost.r * n) * 2;
  auto text = std::string(password.reveal());
  Bytes salt_copy(salt.begin(), salt.end());
  const std::array<OSSL_PARAM, 7> parameters = {
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, text.data(), text.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt_copy.data(), salt_copy.size()),
      OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &cost.r),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &cost.p),
      OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory_max),
      OSSL_PARAM_construct_end()};
  Bytes out(kHashBytes);
  const int done = EVP_KDF_derive(context.get(), out.data(), out.size(), parameters.data());
  const Secret wiped(std::move(text));
  LK_ASSERT(done == 1);
  return out;
}

}  // namespace

std::string hash_password(const Secret& password, Random& random, ScryptCost cost) {
  std::array<std::uint8_t, kSaltBytes> salt{};
  random.fill(salt);
  return fmt::format("$scrypt$ln={},r={},p={}${}${}", cost.log2_n, cost.r, cost.p,
                     to_base64url(salt), to_base64url(scrypt(password, salt, cost)));
}

bool is_password_hash(std::string_view text) {
  return parse(text).has_value();
}

bool password_matches(const Secret& password, std::string_view hash) {
  const auto parsed = parse(hash);
  if (!parsed) return false;
  const Bytes found = scrypt(password, parsed->salt, parsed->cost);
  return constant_time_equal(as_text(found), as_text(parsed->hash));
}

Task<Result<bool>> PasswordChecker::check(Secret password, std::string hash) {
  if (waiting_ >= waiting_max_) {
    Error busy{.kind = ErrorKind::throttled,
               .code = "ServerBusy",
               .message = "too many passwords wait to be checked; try again",
               .retry_after = std::chrono::seconds{5},
               .request_id = {},
               .http_status = 0};
    co_return fail(std::move(busy));
  }
  ++waiting_;
  auto executor = co_await boost::asio::this_coro::executor;
  auto initiate = [this, executor](auto handler, Secret secret, std::string expected) {
    auto guard = boost::asio::make_work_guard(executor);
    boost::asio::post(
        thread_, [guard = std::move(guard), handler = std::move(handler),
                  secret = std::move(secret), expected = std::move(expected)]() mutable {
          const bool matches = password_matches(secret, expected);
          // As in sqlite_writer.cpp: the answer waits until Asio is done with the context.
          auto posted = std::make_shared<std::atomic<bool>>(false);
          boost::asio::post(guard.get_executor(),
                            [handler = std::move(handler), guard, matches, posted]() mutable {
                              posted->wait(false, std::memory_order_acquire);
                              std::move(handler)(matches);
                            });
          guard.reset();
          posted->store(true, std::memory_order_release);
          posted->notify_one();
        });
  };
  const bool matches =
      co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<Executor>,
                                           void(bool)>(initiate, use_task, std::move(password),
                                                       std::move(hash));
  --waiting_;
  co_return matches;
}

}  // namespace latchkey
