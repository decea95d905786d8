#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "wire/json_reader.hpp"

namespace latchkey::cloud {

/// What is wrong with an app's files: the first error, and all warnings. Each names file and field.
struct ConfigProblems {
  std::optional<Error> error{};
  std::vector<std::string> warnings{};

  void refuse(std::string_view where, std::string_view what);
  void warn(std::string_view where, std::string_view what);
};

/// Reads one object of an app's JSON files. Members are taken by name; those that nobody took are
/// told, because what is ignored in silence here would change how the app behaves in Azure.
class ConfigReader {
 public:
  /// `where`: "host.json: extensions.queues". The references must outlive this object.
  ConfigReader(const wire::json::Object& object, std::string where, ConfigProblems& problems)
      : object_(object), where_(std::move(where)), problems_(problems) {}

  /// Each gives nullopt when the member is absent; one of another type is an error.
  std::optional<std::string> text(std::string_view name);
  std::optional<bool> boolean(std::string_view name);
  std::optional<std::int64_t> number(std::string_view name, std::int64_t min, std::int64_t max);
  std::optional<std::vector<std::string>> texts(std::string_view name);
  /// A text, required and not empty.
  std::string required(std::string_view name);
  const wire::json::Value* any(std::string_view name);
  std::optional<ConfigReader> child(std::string_view name);

  /// Takes a member that makes no difference here.
  void pass_over(std::string_view name) { known_.insert(std::string(name)); }
  /// Warns of all members that were not taken.
  void tell_unknown(std::string_view why = "is not supported by the local functions host");
  void refuse(std::string_view name, std::string_view what);
  void warn(std::string_view name, std::string_view what);
  const std::string& where() const { return where_; }

 private:
  std::string place(std::string_view name) const;

  const wire::json::Object& object_;
  std::string where_;
  ConfigProblems& problems_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace latchkey::cloud
