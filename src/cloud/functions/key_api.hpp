#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "cloud/functions/function_keys.hpp"
#include "http/router.hpp"

namespace latchkey::cloud {

class FunctionsHost;
struct FunctionDefinition;

/// The host's own API for its keys, for whoever holds the master key:
///
///   GET /admin/functions/{f}/keys, /admin/host/{keys|functionkeys|systemkeys}
///   GET, PUT, POST, DELETE .../{key}; POST has a value made, "systemkeys/_master" is the master
///   key
///   GET /admin/host/status; GET, POST /admin/host/ping (for everybody)
///   GET /admin/functions, /admin/functions/{f}: what there is
///   POST /admin/functions/{f} {"input": "..."}: runs the function
///
/// Source: azure-functions-host wiki, "Key management API"; refusals are 401 without a body.
class KeyApi {
 public:
  /// The references must outlive this object.
  KeyApi(FunctionKeys& keys, const FunctionsHost& host);
  /// This object must outlive the handler.
  http::Handler handler() { return router_.handler(); }

 private:
  /// Which key a path names; the owner's whole list when `name` is empty.
  struct Target {
    KeyOwner owner;
    std::string name;
  };
  using Operation = Task<http::Response> (KeyApi::*)(const http::Request&, Target);

  void add(http::Method method, std::string_view pattern, Operation operation);
  Task<http::Response> run(const http::Request& request, const http::Match& match, bool of_host,
                           Operation operation);
  std::optional<Target> find_target(const http::Match& match, bool of_host) const;
  Task<http::Response> list(const http::Request& request, Target target);
  Task<http::Response> get(const http::Request& request, Target target);
  Task<http::Response> put(const http::Request& request, Target target);
  Task<http::Response> generate(const http::Request& request, Target target);
  Task<http::Response> remove(const http::Request& request, Target target);
  Task<http::Response> set(const http::Request& request, Target target, Secret value);
  Task<http::Response> list_functions(const http::Request& request);
  Task<http::Response> show_function(const http::Request& request, const http::Match& match);
  Task<http::Response> run_function(const http::Request& request, const http::Match& match);
  Task<http::Response> status(const http::Request& request);
  bool is_master(const http::Request& request) const;

  FunctionKeys& keys_;
  const FunctionsHost& host_;
  http::Router router_;
};

/// A function as both key APIs list it: name, route, trigger.
boost::json::object describe_function(const FunctionDefinition& function);

/// The key that a request shows: header x-functions-key, else ?code=. With the header the query is
/// not looked at, also when the header is wrong. Empty when there is none.
std::string shown_key(const http::Request& request);

}  // namespace latchkey::cloud
