#include "cloud/functions/functions_host.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"

namespace latchkey::cloud {
namespace {

constexpr std::string_view kApi = "/api/";
constexpr std::string_view kAdmin = "/admin/";

http::Response empty_response(int status) {
  http::Response response;
  response.status = status;
  return response;
}

}  // namespace

FunctionsHost::FunctionsHost(FunctionKeys& keys)
    : keys_(keys), key_api_(keys, [this](std::string_view name) -> const http::Handler* {
        const auto found = functions_.find(to_lower(name));
        return found == functions_.end() ? nullptr : &found->second.handler;
      }) {}

void FunctionsHost::add(FunctionDefinition function) {
  auto name = to_lower(function.name);
  LK_ASSERT(!name.empty() && function.handler);
  keys_.make_default(name);
  const bool added = functions_.emplace(std::move(name), std::move(function)).second;
  LK_ASSERT(added);
}

http::Handler FunctionsHost::handler() {
  return [this, admin = key_api_.handler()](const http::Request& request) {
    return istarts_with(request.path(), kAdmin) ? admin(request) : answer(request);
  };
}

bool FunctionsHost::has(std::string_view function) const {
  return functions_.contains(to_lower(function));
}

Task<http::Response> FunctionsHost::answer(const http::Request& request) {
  const auto path = request.path();
  if (!istarts_with(path, kApi) || !http::parse_query(request.query_text())) {
    co_return empty_response(404);
  }
  auto rest = path.substr(kApi.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const auto name = percent_decode(rest);
  const auto found = name ? functions_.find(to_lower(*name)) : functions_.end();
  if (found == functions_.end()) co_return empty_response(404);
  const auto& function = found->second;
  if (std::ranges::find(function.methods, request.method) == function.methods.end()) {
    co_return empty_response(404);
  }
  const bool may_call = function.level == AuthLevel::anonymous ||
                        keys_.level_of(shown_key(request), *name) >= function.level;
  if (!may_call) co_return empty_response(401);
  co_return co_await function.handler(request);
}

}  // namespace latchkey::cloud
