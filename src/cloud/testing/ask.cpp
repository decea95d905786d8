#include "cloud/testing/ask.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/task.hpp"
#include "base/text.hpp"

namespace latchkey::cloud::testing {

http::Response ask(const http::Handler& handler, http::Method method, std::string target,
                   const HeaderFields& fields, std::string body) {
  http::Request request;
  request.method = method;
  request.method_name = http::to_string(method);
  request.target = std::move(target);
  request.headers.set("Host", "localhost:8443");
  for (const auto& [name, value] : fields) request.headers.set(name, value);
  request.body = std::move(body);
  request.peer_address = "127.0.0.1";
  http::Response response;
  IoContext context;
  run_to_end(context,
             [](const http::Handler& h, const http::Request& q, http::Response& a) -> Task<> {
               a = co_await h(q);
             }(handler, request, response));
  return response;
}

std::string header_of(const http::Response& response, std::string_view name) {
  return std::string(response.headers.find(name).value_or(""));
}

std::string json_member(std::string_view body, std::string_view path) {
  boost::system::error_code problem;
  const auto whole = boost::json::parse(body, problem);
  const auto* at = problem ? nullptr : &whole;
  for (const auto part : split(path, '.')) {
    if (at == nullptr) break;
    if (const auto* object = at->if_object()) {
      at = object->if_contains(part);
    } else if (const auto* array = at->if_array()) {
      const auto index = parse_integer<std::size_t>(part);
      at = index && *index < array->size() ? &(*array)[*index] : nullptr;
    } else {
      at = nullptr;
    }
  }
  if (at == nullptr) return "(none)";
  if (at->is_string()) return std::string(at->as_string());
  return boost::json::serialize(*at);
}

}  // namespace latchkey::cloud::testing
