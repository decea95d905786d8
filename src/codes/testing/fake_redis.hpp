#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/task.hpp"

namespace latchkey::codes::testing {

/// A server on loopback that speaks Redis' protocol and says what the test wants said: for what a
/// real one does at bad moments only.
class FakeRedis {
 public:
  using Words = std::vector<std::string>;
  explicit FakeRedis(Executor executor);
  ~FakeRedis();
  FakeRedis(const FakeRedis&) = delete;
  FakeRedis& operator=(const FakeRedis&) = delete;

  std::uint16_t port() const;
  /// The bytes that answer a command; nothing ends the connection instead.
  void answer_with(std::function<std::optional<std::string>(const Words&)> answer);
  /// What came, in order, over all connections, each as "AUTH user password".
  const std::vector<std::string>& commands() const;
  /// How many of them began with `words`.
  int count(const std::string& words) const;
  int connections() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace latchkey::codes::testing
