#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "wire/storage_error.hpp"

/// The XML bodies of Queue Storage, both directions: the service renders what the client parses and
/// the reverse. Element order as the real service emits it; bodies begin with a UTF-8 BOM and
/// clients accept them with and without.
/// Source: REST reference, "Put/Get/Peek Messages", "List Queues", recorded exchanges.
namespace latchkey::wire {

/// Fri, 31 Dec 9999 23:59:59 GMT: the expiry of a message that never expires.
UtcTime never_expires();

struct QueueMessage {
  std::string id;
  UtcTime insertion_time{};  ///< whole seconds on the wire
  UtcTime expiration_time{};
  std::string pop_receipt;      ///< empty in a peek
  UtcTime time_next_visible{};  ///< unset in a peek
  std::int64_t dequeue_count = 0;
  std::string text;
};

/// Where a document is not XML, and why: the detail elements LineNumber, LinePosition and Reason
/// of InvalidXmlDocument. Both count from 1; positions are characters.
struct XmlFault {
  int line = 0;
  int position = 0;
  std::string reason;
};
/// 400 InvalidXmlDocument with those details.
StorageError invalid_xml_document(const XmlFault& fault);

/// QueueMessage > MessageText, the request body of Put and Update. Characters that XML 1.0 cannot
/// carry (U+0001, bytes that are not UTF-8) are sent so that the service refuses them, rather than
/// replaced in silence.
std::string render_message_request(std::string_view text);
/// Error: invalid_argument, code InvalidXmlDocument (not XML, another root, no MessageText, markup
/// in it, control characters XML 1.0 does not allow), message with line, position and reason.
Result<std::string> parse_message_request(std::string_view xml);
/// The same; on error `fault` says where.
Result<std::string> parse_message_request(std::string_view xml, XmlFault& fault);

enum class MessageAnswer { put, get, peek };
/// QueueMessagesList with the elements of that answer.
std::string render_messages(MessageAnswer answer, const std::vector<QueueMessage>& messages);
/// Any of the three; elements that are absent keep their defaults. Error: protocol.
Result<std::vector<QueueMessage>> parse_messages(std::string_view xml);

using Metadata = std::vector<std::pair<std::string, std::string>>;
struct QueueListing {
  std::string service_endpoint;
  std::optional<std::string> prefix;
  std::optional<std::string> marker;
  std::optional<std::int64_t> max_results;
  bool with_metadata = false;
  struct Queue {
    std::string name;
    Metadata metadata;
  };
  std::vector<Queue> queues;
  std::string next_marker;  ///< empty at the end
};
std::string render_queue_listing(const QueueListing& listing);
Result<QueueListing> parse_queue_listing(std::string_view xml);

/// Text as XML character data: escapes & < > and carriage returns (which a reader would turn into
/// line feeds); what XML 1.0 cannot carry becomes U+FFFD, so the result is always well-formed.
std::string xml_escape(std::string_view text);

}  // namespace latchkey::wire
