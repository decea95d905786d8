#pragma once

#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/task.hpp"

namespace latchkey::service::sign_in {

/// What reaches a person on a way of its own, apart from the browser: the second factor.
struct Message {
  std::string subject;
  Secret code;
  UtcTime expires{};
  /// Where "this was not me" is said; empty when our public address is not known.
  Secret not_me_url;
};

/// How messages reach people. Errors of any kind: the code is then revoked.
class Delivery {
 public:
  virtual ~Delivery() = default;
  virtual Task<Result<>> deliver(Message message) = 0;
};

}  // namespace latchkey::service::sign_in
