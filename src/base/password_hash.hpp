#pragma once

#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/task.hpp"

/// Password hashes by scrypt (RFC 7914), written as a PHC string:
/// "$scrypt$ln=15,r=8,p=3$salt$hash".
namespace latchkey {

/// Memory is 128 * r * 2^log2_n bytes. The default needs 32 MiB and is one of the settings of equal
/// strength in the OWASP Password Storage Cheat Sheet.
struct ScryptCost {
  std::uint32_t log2_n = 15;
  std::uint32_t r = 8;
  std::uint32_t p = 3;
};

/// A new hash with 16 bytes of salt. Costs some 200 ms on purpose.
std::string hash_password(const Secret& password, Random& random, ScryptCost cost = {});

/// True for a text that hash_password gives; its cost is at most that of log2_n 20, r 16, p 16.
bool is_password_hash(std::string_view text);

/// False also when `hash` is no password hash. Takes as long as hash_password.
bool password_matches(const Secret& password, std::string_view hash);

/// Compares passwords on a thread of its own, so that an event loop goes on meanwhile. One at a
/// time: guessers cannot take all processors, nor more memory than one hash needs.
class PasswordChecker {
 public:
  explicit PasswordChecker(std::size_t waiting_max = 32) : waiting_max_(waiting_max) {}
  /// Finishes what waits.
  ~PasswordChecker() { thread_.join(); }
  PasswordChecker(const PasswordChecker&) = delete;
  PasswordChecker& operator=(const PasswordChecker&) = delete;

  /// As password_matches. Error: throttled, code "ServerBusy", when `waiting_max` others wait. Call
  /// on one executor only.
  Task<Result<bool>> check(Secret password, std::string hash);

 private:
  const std::size_t waiting_max_;
  std::size_t waiting_ = 0;
  boost::asio::thread_pool thread_{1};
};

}  // namespace latchkey
