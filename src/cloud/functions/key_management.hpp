#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cloud/functions/function_keys.hpp"
#include "cloud/functions/functions_host.hpp"
#include "cloud/management/arm_gate.hpp"
#include "http/router.hpp"

namespace latchkey::cloud {

/// Function keys as Azure Resource Manager serves them, below .../Microsoft.Web/sites/{app}; what
/// `az functionapp keys` and `az functionapp function keys` ask:
///
///   POST /host/default/listkeys, PUT and DELETE /host/default/{functionKeys|systemKeys}/{key},
///   PUT /host/default/masterKey/{any}
///   POST /functions/{f}/listkeys, PUT and DELETE /functions/{f}/keys/{key}
///   GET /functions, /functions/{f}: what there is
///
/// The local cloud has one functions host, and it stands for an app of any name.
/// Source: REST reference "App Service, Web Apps".
class KeyManagement {
 public:
  /// The references must outlive this object.
  KeyManagement(FunctionKeys& keys, const FunctionsHost& host, const ArmGate& gate);
  /// This object must outlive the handler.
  http::Handler handler() { return router_.handler(); }
  static bool serves(std::string_view path);

 private:
  struct Target {
    KeyOwner owner;
    std::string name;
    bool is_known = true;  ///< false: no such function, or no such kind of key
  };
  using Operation = Task<http::Response> (KeyManagement::*)(const http::Request&, Target);
  void add(http::Method method, std::string_view below_site, std::string_view action,
           Operation operation);
  Task<http::Response> run(const http::Request& request, const http::Match& match, bool of_host,
                           std::string action, Operation operation);
  Target find_target(const http::Match& match, bool of_host) const;
  Task<http::Response> list_host(const http::Request& request, Target target);
  Task<http::Response> list_function(const http::Request& request, Target target);
  Task<http::Response> list_functions(const http::Request& request, Target target);
  Task<http::Response> show_function(const http::Request& request, Target target);
  Task<http::Response> put(const http::Request& request, Target target);
  Task<http::Response> remove(const http::Request& request, Target target);

  FunctionKeys& keys_;
  const FunctionsHost& host_;
  const ArmGate& gate_;
  http::Router router_;
};

}  // namespace latchkey::cloud
