#include "cloud/queues/queue_answers.hpp"
#include "cloud/queues/queue_handlers.hpp"
#include "cloud/queues/queue_rules.hpp"

/// Operations on an account's settings and a queue's access policies.
namespace latchkey::cloud {

Task<Served<http::Response>> QueueHandlers::set_service_properties(const QueueCall& call) {
  auto change = wire::parse_service_properties(call.request.body);
  if (!change) co_return refuse(change.error());
  const auto done = co_await settings_.change_properties(call.address.account, std::move(*change));
  if (!done) co_return refuse(store_refusal(done.error()));
  co_return empty_response(202);
}

Served<http::Response> QueueHandlers::get_service_stats(const QueueCall& call) {
  if (!call.address.secondary) {
    return refuse(invalid_parameter("comp", "stats", "served by the secondary only"));
  }
  return xml_response(200, wire::render_service_stats(clock_.now()));
}

Served<http::Response> QueueHandlers::get_user_delegation_key(const QueueCall& call,
                                                              const Caller& caller) {
  const auto info = wire::parse_key_info(call.request.body);
  if (!info) return refuse(info.error());
  auto delegation = plan_delegation(*info, clock_.now());
  if (!delegation) return refuse(delegation.error());
  delegation->object_id = caller.object_id;
  delegation->tenant_id = caller.tenant_id;
  delegation->version = call.version;
  const Secret key = options_.delegation_keys.key_of(*delegation, call.address.account);
  return xml_response(200, wire::render_user_delegation_key(*delegation, key));
}

Served<http::Response> QueueHandlers::get_acl(const QueueCall& call) {
  const auto queue = find_queue(call);
  if (!queue) return refuse(queue.error());
  return xml_response(200, wire::render_signed_identifiers(settings_.policies(*queue)));
}

Task<Served<http::Response>> QueueHandlers::set_acl(const QueueCall& call) {
  auto policies = wire::parse_signed_identifiers(call.request.body);
  if (!policies) co_return refuse(policies.error());
  const auto queue = find_queue(call);
  if (!queue) co_return refuse(queue.error());
  const auto done = co_await settings_.set_policies(*queue, std::move(*policies));
  if (!done) co_return refuse(store_refusal(done.error()));
  co_return empty_response(204);
}

}  // namespace latchkey::cloud
