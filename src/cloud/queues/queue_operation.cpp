#include "cloud/queues/queue_operation.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "cloud/queues/queue_rules.hpp"

namespace latchkey::cloud {
namespace {
using enum QueueOperation;
using http::Method;
using namespace wire::queue_actions;

// The documents want resource type o for delete, update and clear; Azurite wants c: both do.
const std::array<OperationNeeds, 17> kNeeds = {{
    {list_queues, "s", "l", "", {{kQueuesRead}}},
    {get_service_properties, "s", "r", "", {{kServicePropertiesRead}}},
    {set_service_properties, "s", "w", "", {{kServicePropertiesWrite}}},
    {get_service_stats, "s", "r", "", {{kServicePropertiesRead}}},
    {get_user_delegation_key, "", "", "", {{kGenerateUserDelegationKey}}},
    {create_queue, "c", "cw", "", {{kQueuesWrite}}},
    {delete_queue, "c", "d", "", {{kQueuesDelete}}},
    {get_metadata, "c", "r", "r", {{kQueuesRead}}},
    {set_metadata, "c", "w", "", {{kQueuesWrite}}},
    {get_acl, "", "", "", {{kGetAcl}}},
    {set_acl, "", "", "", {{kSetAcl}}},
    {put_message, "o", "a", "a", {{kMessagesAdd}, {kMessagesWrite}}},
    {get_messages, "o", "p", "p", {{kMessagesProcess}, {kMessagesDelete, kMessagesRead}}},
    {peek_messages, "o", "r", "r", {{kMessagesRead}}},
    {clear_messages, "oc", "d", "", {{kMessagesDelete}}},
    {update_message, "oc", "u", "u", {{kMessagesWrite}}},
    {delete_message, "oc", "p", "p", {{kMessagesProcess}, {kMessagesDelete}}},
}};

tl::unexpected<wire::StorageError> wrong_verb(std::string allow) {
  auto error = wire::storage_error("UnsupportedHttpVerb");
  error.headers.emplace_back("Allow", std::move(allow));
  return refuse(std::move(error));
}

/// The value of a parameter in which an empty one means the same as none.
std::string_view value_of(const http::Query& query, std::string_view name) {
  const std::string* value = http::find_parameter(query, name);
  return value == nullptr ? std::string_view{} : std::string_view{*value};
}

Served<QueueOperation> on_service(Method method, const http::Query& query) {
  const std::string_view comp = value_of(query, "comp");
  const std::string_view restype = value_of(query, "restype");
  if (comp.empty()) return refuse(missing_parameter("comp"));
  if (restype.empty() && iequals(comp, "list")) {
    if (method == Method::get) return list_queues;
    return wrong_verb("GET");
  }
  if (!iequals(restype, "service")) {
    if (restype.empty()) return refuse(invalid_parameter("comp", comp, ""));
    return refuse(invalid_parameter("restype", restype, ""));
  }
  if (iequals(comp, "properties")) {
    if (method == Method::get) return get_service_properties;
    if (method == Method::put) return set_service_properties;
    return wrong_verb("GET, PUT");
  }
  if (iequals(comp, "stats")) {
    if (method == Method::get) return get_service_stats;
    return wrong_verb("GET");
  }
  if (iequals(comp, "userdelegationkey")) {
    if (method == Method::post) return get_user_delegation_key;
    return wrong_verb("POST");
  }
  return refuse(invalid_parameter("comp", comp, ""));
}

Served<QueueOperation> on_queue(Method method, const http::Query& query) {
  const std::string_view comp = value_of(query, "comp");
  const bool reads = method == Method::get || method == Method::head;
  if (comp.empty()) {
    if (method == Method::put) return create_queue;
    if (method == Method::delete_) return delete_queue;
    return wrong_verb("PUT, DELETE");
  }
  if (iequals(comp, "metadata")) {
    if (reads) return get_metadata;
    if (method == Method::put) return set_metadata;
    return wrong_verb("GET, HEAD, PUT");
  }
  if (iequals(comp, "acl")) {
    if (reads) return get_acl;
    if (method == Method::put) return set_acl;
    return wrong_verb("GET, HEAD, PUT");
  }
  return refuse(invalid_parameter("comp", comp, ""));
}

Served<QueueOperation> on_messages(Method method, const http::Query& query) {
  if (method == Method::post) return put_message;
  if (method == Method::delete_) return clear_messages;
  if (method != Method::get) return wrong_verb("GET, POST, DELETE");
  const std::string_view peek = value_of(query, "peekonly");
  if (peek.empty() || iequals(peek, "false")) return get_messages;
  if (iequals(peek, "true")) return peek_messages;
  return refuse(invalid_parameter("peekonly", peek, "true or false"));
}

}  // namespace

const OperationNeeds& needs_of(QueueOperation operation) {
  const OperationNeeds& row = kNeeds[static_cast<std::size_t>(operation)];
  LK_ASSERT(row.operation == operation);
  return row;
}

Served<QueueOperation> find_operation(const http::Request& request, const QueueAddress& address,
                                      const http::Query& query) {
  switch (address.resource) {
    case QueueResource::service:
      return on_service(request.method, query);
    case QueueResource::queue:
      return on_queue(request.method, query);
    case QueueResource::messages:
      return on_messages(request.method, query);
    case QueueResource::message:
      if (request.method == Method::put) return update_message;
      if (request.method == Method::delete_) return delete_message;
      return wrong_verb("PUT, DELETE");
  }
  return refuse(wire::storage_error("InvalidUri"));
}

}  // namespace latchkey::cloud
