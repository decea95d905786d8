#pragma once

#include <string_view>

#include "cloud/queues/queue_addressing.hpp"
#include "http/message.hpp"
#include "wire/roles.hpp"

/// The operations of Queue Storage, how a request names one, and what each needs to be allowed.
/// Source: REST reference "Operations on queues/messages", "Create an account SAS", "Create a
/// service SAS", "Authorize with Microsoft Entra ID: permissions for data operations".
namespace latchkey::cloud {

enum class QueueOperation {
  list_queues,
  get_service_properties,
  set_service_properties,
  get_service_stats,
  get_user_delegation_key,
  create_queue,
  delete_queue,
  get_metadata,
  set_metadata,
  get_acl,
  set_acl,
  put_message,
  get_messages,
  peek_messages,
  clear_messages,
  update_message,
  delete_message,
};

/// One row of the authorization table. Of the letters of a field any one is enough; an empty field
/// means that no such SAS allows the operation.
struct OperationNeeds {
  QueueOperation operation;
  std::string_view resource_types;      ///< account SAS, srt
  std::string_view account_permission;  ///< account SAS, sp
  std::string_view service_permission;  ///< service SAS, sp
  wire::Requirement roles;
};
const OperationNeeds& needs_of(QueueOperation operation);

/// Errors: UnsupportedHttpVerb (with Allow), InvalidQueryParameterValue and
/// MissingRequiredQueryParameter (comp, restype, peekonly).
Served<QueueOperation> find_operation(const http::Request& request, const QueueAddress& address,
                                      const http::Query& query);

}  // namespace latchkey::cloud
