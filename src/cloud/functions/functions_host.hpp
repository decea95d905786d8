#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/functions/function_keys.hpp"
#include "cloud/functions/key_api.hpp"
#include "http/router.hpp"

namespace latchkey::cloud {

struct FunctionDefinition {
  std::string name;  ///< "RandomNumber": answers at /api/RandomNumber, without case
  std::vector<http::Method> methods;  ///< others: 404, as the real host
  AuthLevel level = AuthLevel::function;
  http::Handler handler;
};

/// Functions with HTTP triggers, guarded by keys as the Azure Functions host does: a wrong or
/// missing key is 401 with an empty body. /admin/... manages the keys (KeyApi).
class FunctionsHost {
 public:
  /// The reference must outlive this object.
  explicit FunctionsHost(FunctionKeys& keys);
  FunctionsHost(const FunctionsHost&) = delete;
  FunctionsHost& operator=(const FunctionsHost&) = delete;

  /// Before requests come.
  void add(FunctionDefinition function);
  /// This object must outlive the handler.
  http::Handler handler();
  bool has(std::string_view function) const;

 private:
  Task<http::Response> answer(const http::Request& request);

  FunctionKeys& keys_;
  std::map<std::string, FunctionDefinition> functions_;  ///< by lower-case name
  KeyApi key_api_;
};

}  // namespace latchkey::cloud
