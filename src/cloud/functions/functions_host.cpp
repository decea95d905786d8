#include "cloud/functions/functions_host.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "base/text.hpp"

namespace latchkey::cloud {
namespace {

constexpr std::string_view kAdmin = "/admin/";

http::Response empty_response(int status) {
  http::Response response;
  response.status = status;
  return response;
}

}  // namespace

FunctionsHost::FunctionsHost(FunctionKeys& keys) : keys_(keys), key_api_(keys, *this) {}

void FunctionsHost::add(FunctionDefinition function) {
  auto name = to_lower(function.name);
  LK_ASSERT(!name.empty() && function.handler);
  if (function.route.empty()) function.route = "api/" + function.name;
  auto route = FunctionRoute::parse(function.route);
  LK_ASSERT(route.has_value());
  keys_.make_default(name);
  functions_.insert_or_assign(
      std::move(name), std::make_shared<const Function>(std::move(function), std::move(*route)));
}

http::Handler FunctionsHost::handler() {
  return [this, admin = key_api_.handler()](const http::Request& request) {
    return istarts_with(request.path(), kAdmin) ? admin(request) : answer(request);
  };
}

const FunctionDefinition* FunctionsHost::find(std::string_view function) const {
  const auto found = functions_.find(to_lower(function));
  return found == functions_.end() ? nullptr : &found->second->definition;
}

std::vector<const FunctionDefinition*> FunctionsHost::list() const {
  std::vector<const FunctionDefinition*> all;
  for (const auto& [name, function] : functions_) all.push_back(&function->definition);
  return all;
}

Task<http::Response> FunctionsHost::answer(const http::Request& request) {
  if (!http::parse_query(request.query_text())) co_return empty_response(404);
  const auto function = find_route(request);
  if (!function) co_return empty_response(404);
  const auto& definition = function->definition;
  const bool may_call = definition.level == AuthLevel::anonymous ||
                        keys_.level_of(shown_key(request), definition.name) >= definition.level;
  if (!may_call) co_return empty_response(401);
  co_return co_await definition.handler(request);
}

std::shared_ptr<const FunctionsHost::Function> FunctionsHost::find_route(
    const http::Request& request) const {
  std::shared_ptr<const Function> best;
  for (const auto& [name, function] : functions_) {
    const auto& [definition, route] = *function;
    const bool takes =
        !definition.is_disabled &&
        std::ranges::find(definition.methods, request.method) != definition.methods.end() &&
        (!best || route.rank() < best->route.rank());
    if (takes && route.match(request.path())) best = function;
  }
  return best;
}

}  // namespace latchkey::cloud
