#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "http/message.hpp"
#include "wire/storage_error.hpp"

/// Which account, queue and message a request speaks of.
/// Source: REST reference "Addressing Queue service resources"; the choice between the two styles
/// is Azurite's, so that what works with it works here.
namespace latchkey::cloud {

using wire::refuse;
using wire::Served;

enum class QueueResource { service, queue, messages, message };

struct QueueAddress {
  std::string account;      ///< without "-secondary"
  bool secondary = false;   ///< the account's read-only secondary was named
  bool path_style = false;  ///< the account is the first segment of the path, not of the host
  QueueResource resource = QueueResource::service;
  std::string queue;       ///< unchecked
  std::string message_id;  ///< unchecked
};

/// Path style for IP addresses, hosts without a dot and container-internal host names; host style
/// (first label of the host) otherwise, unless only the path's first segment is an account's name.
/// Errors: InvalidUri; ResourceNotFound (no such account).
Served<QueueAddress> parse_queue_address(
    const http::Request& request, const std::function<bool(std::string_view account)>& is_account);

/// True when the Host header is a name under which this service may be addressed: one of the
/// path-style hosts, or ACCOUNT.queue.DOMAIN. Others (say, a vault's) can be written into the
/// header by anybody and must not lend their name as a token's audience.
bool is_queue_host(const http::Request& request, std::string_view account);

/// "https://HOST": where the request was sent, as its Host header says.
std::string request_origin(const http::Request& request);

}  // namespace latchkey::cloud
