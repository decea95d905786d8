#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/sqlite_writer.hpp"
#include "http/router.hpp"

namespace latchkey::cloud {

enum class AuthLevel { anonymous, function, admin };

struct FunctionDefinition {
  std::string name;  ///< "RandomNumber": answers at /api/RandomNumber, without case
  std::vector<http::Method> methods;  ///< others: 404, as the real host
  AuthLevel level = AuthLevel::function;
  http::Handler handler;
};

/// Functions with HTTP triggers, guarded by keys as the Azure Functions host does: x-functions-key
/// first, else ?code=; master key, host keys, then the function's own; wrong or missing: 401, empty
/// body. Keys are kept in the database; a master key and one `default` key per function are made
/// when absent.
class FunctionsHost {
 public:
  static Result<std::unique_ptr<FunctionsHost>> load(sqlite::Database& database, Random& random);
  ~FunctionsHost();
  void use_writer(sqlite::Writer& writer);

  /// Before requests come.
  void add(FunctionDefinition function);
  http::Handler handler();

  /// The function's own key of that name, or nullopt.
  std::optional<Secret> function_key(std::string_view function, std::string_view name) const;
  Task<Result<>> set_function_key(std::string function, std::string name, Secret value);

 private:
  struct Impl;
  explicit FunctionsHost(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace latchkey::cloud
