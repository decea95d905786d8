#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/functions/function_keys.hpp"
#include "cloud/functions/function_route.hpp"
#include "cloud/functions/key_api.hpp"
#include "http/router.hpp"

namespace latchkey::cloud {

struct FunctionDefinition {
  std::string name;                   ///< "RandomNumber", compared without case
  std::vector<http::Method> methods;  ///< others: 404, as the real host; none: no HTTP trigger
  AuthLevel level = AuthLevel::function;
  http::Handler handler;
  std::string route{};  ///< as FunctionRoute::parse takes it; empty: api/NAME
  bool is_disabled = false;
};

/// Functions, those with HTTP triggers guarded by keys as the Azure Functions host does: a wrong or
/// missing key is 401 with an empty body. /admin/... manages the keys and runs functions (KeyApi).
class FunctionsHost {
 public:
  /// The reference must outlive this object.
  explicit FunctionsHost(FunctionKeys& keys);
  FunctionsHost(const FunctionsHost&) = delete;
  FunctionsHost& operator=(const FunctionsHost&) = delete;

  /// One of the same name makes way. The route must be well-formed.
  void add(FunctionDefinition function);
  /// This object must outlive the handler.
  http::Handler handler();
  bool has(std::string_view function) const { return find(function) != nullptr; }
  /// Nullptr when there is none; holds until the next `add`.
  const FunctionDefinition* find(std::string_view function) const;
  /// In the order of names.
  std::vector<const FunctionDefinition*> list() const;

 private:
  Task<http::Response> answer(const http::Request& request);

  struct Function {
    FunctionDefinition definition;
    FunctionRoute route;
  };
  std::shared_ptr<const Function> find_route(const http::Request& request) const;

  FunctionKeys& keys_;
  std::map<std::string, std::shared_ptr<const Function>> functions_;  ///< by lower-case name
  KeyApi key_api_;
};

}  // namespace latchkey::cloud
