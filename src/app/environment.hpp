#pragma once

#include <map>
#include <string>
#include <string_view>

namespace latchkey::app {

/// Settings by name, as a process has them in its environment. `latchkey up` makes one for each
/// part, so that every part starts exactly as it would alone.
class Environment {
 public:
  Environment() = default;
  static Environment of_process();

  /// Empty when unset.
  const std::string& get(std::string_view name) const;
  void set(std::string name, std::string value) { values_[std::move(name)] = std::move(value); }
  const std::map<std::string, std::string, std::less<>>& all() const { return values_; }

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace latchkey::app
