#include "cloud/management/subscription_service.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <utility>

#include "base/text.hpp"

namespace latchkey::cloud {
namespace {

namespace json = boost::json;

constexpr std::string_view kRoot = "/subscriptions";
constexpr const char* kRead = "Microsoft.Resources/subscriptions/read";

json::object as_json(const Tenancy& tenancy) {
  return {{"id", tenancy.subscription_scope()},
          {"subscriptionId", tenancy.subscription_id},
          {"tenantId", tenancy.tenant_id},
          {"displayName", "latchkey local cloud"},
          {"state", "Enabled"}};
}

Task<http::Response> ready(http::Response response) {
  co_return response;
}

}  // namespace

SubscriptionService::SubscriptionService(const Tenancy& tenancy, const ArmGate& gate)
    : tenancy_(tenancy), gate_(gate) {
  router_.add(http::Method::get, kRoot, [this](const http::Request& request, const http::Match&) {
    return ready(list(request));
  });
  router_.add(http::Method::get, "/subscriptions/{subscription}",
              [this](const http::Request& request, const http::Match& match) {
                return ready(get(request, match.parameters[0]));
              });
}

bool SubscriptionService::serves(std::string_view path) {
  if (path.ends_with('/')) path.remove_suffix(1);
  const auto slash = path.find('/', 1);
  return iequals(path.substr(0, slash), kRoot) &&
         (slash == path.npos || path.find('/', slash + 1) == path.npos);
}

http::Response SubscriptionService::list(const http::Request& request) const {
  auto refusal = gate_.refuse(request, {.action = kRead, .scope = tenancy_.subscription_scope()});
  // Who may read none gets an empty list, not a refusal.
  if (refusal && refusal->status != 403) return std::move(*refusal);
  json::array all;
  if (!refusal) all.push_back(as_json(tenancy_));
  return http::json_response(200, json::serialize(json::object{{"value", std::move(all)}}));
}

http::Response SubscriptionService::get(const http::Request& request,
                                        std::string_view subscription) const {
  auto refusal = gate_.refuse(request, {.action = kRead, .scope = tenancy_.subscription_scope()});
  if (refusal) return std::move(*refusal);
  if (!iequals(subscription, tenancy_.subscription_id)) {
    return arm_error(404, "SubscriptionNotFound",
                     fmt::format("The subscription '{}' could not be found.", subscription));
  }
  return http::json_response(200, json::serialize(as_json(tenancy_)));
}

}  // namespace latchkey::cloud
