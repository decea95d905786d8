#pragma once

#include <string>

#include "codes/code_directory.hpp"
#include "codes/issuer.hpp"
#include "service/sign_in/delivery.hpp"
#include "service/sign_in/session.hpp"

namespace latchkey::service::sign_in {

/// What sign-in codes are for.
inline constexpr std::string_view kPurpose = "sign-in";

/// Issues codes and delivers them beside the requests that asked for them. The answer to a first
/// factor must not wait for this: only a right one issues a code, and its time would tell.
class CodeSender {
 public:
  /// So many codes may be on their way; more are refused.
  static constexpr std::size_t kOnTheirWayMax = 256;
  /// How long a "this was not me" link is good: messages are read late.
  static constexpr std::chrono::hours kNotMeLifetime{24};

  struct Dependencies {
    codes::Issuer& issuer;
    codes::CodeDirectory& directory;
    Delivery& delivery;
    Sealer& sealer;
    Executor executor;
  };
  explicit CodeSender(Dependencies dependencies)
      : with_(dependencies), tasks_(dependencies.executor) {}

  struct Order {
    std::string subject;
    std::string caller;      ///< for limits and the audit
    std::string public_url;  ///< of our pages, without a slash at the end; empty when not known
  };
  /// Returns at once. A code that cannot be delivered is revoked.
  void send(Order order);

  /// The last code could not be sent, to whomever. Everybody may be told: it says nothing about any
  /// one person.
  bool failing() const { return failing_; }

  /// Waits until nothing is on its way; the deadlines of issuer and delivery bound it.
  Task<> finish() { return tasks_.join(); }

 private:
  Task<> issue_and_deliver(Order order);

  Dependencies with_;
  bool failing_ = false;
  TaskGroup tasks_;
};

}  // namespace latchkey::service::sign_in
