#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "http/message.hpp"

namespace latchkey::service {

/// Whether this copy can do its work: one check for each dependency. Answers are kept for a short
/// while, so that a prober costs the dependencies nothing.
class Readiness {
 public:
  using Check = std::function<Task<Result<>>()>;

  explicit Readiness(Clock& clock, std::chrono::milliseconds keep = std::chrono::seconds{2});
  /// `name` stands in the answer: "queue", "vault", "table".
  void add(std::string name, Check check);

  /// From now on this copy says that it is not ready, whatever its dependencies do: a load balancer
  /// is to send new requests elsewhere before the last ones are answered here.
  void leave() { leaving_ = true; }
  bool leaving() const { return leaving_; }

  /// 200 {"status":"ready",...} or 503 naming each dependency that is not, with its error; 503
  /// {"status":"stopping"} after `leave`.
  Task<http::Response> answer();

 private:
  struct Entry {
    std::string name;
    Check check;
    Result<> last;
    SteadyTime checked_at{};
    bool known = false;
  };
  Clock& clock_;
  std::chrono::milliseconds keep_;
  std::vector<Entry> entries_;
  bool leaving_ = false;
};

}  // namespace latchkey::service
