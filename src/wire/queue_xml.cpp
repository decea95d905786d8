#include "wire/queue_xml.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "wire/xml_reader.hpp"
#include "wire/xml_writer.hpp"

namespace latchkey::wire {
namespace {

using xml::append_attribute;
using xml::append_element;
using xml::append_escaped;
using xml::Forbidden;
using xml::kHead;

/// Times within one answer repeat: the last text is kept, since making one costs more than the rest
/// of its element.
class DateText {
 public:
  std::string_view operator()(UtcTime time) {
    const auto second = std::chrono::floor<std::chrono::seconds>(time);
    if (text_.empty() || second != second_) {
      second_ = second;
      text_ = to_rfc1123(time);
    }
    return text_;
  }

 private:
  std::chrono::sys_seconds second_{};
  std::string text_;
};

tl::unexpected<Error> not_xml(const XmlFault& fault) {
  return fail(ErrorKind::invalid_argument, "InvalidXmlDocument",
              fmt::format("XML is not valid at line {}, position {}: {}", fault.line,
                          fault.position, fault.reason));
}

tl::unexpected<Error> not_the_protocol(std::string_view what, std::string_view why) {
  return fail(ErrorKind::protocol, "InvalidXmlDocument",
              fmt::format("the queue service's {} cannot be read: {}", what, why));
}

/// The text of an optional child element; nullopt when absent.
std::optional<std::string> child_text(const pugi::xml_node& node, const char* name) {
  const pugi::xml_node child = node.child(name);
  if (!child) return std::nullopt;
  return xml::text_of(child);
}

bool read_date(const pugi::xml_node& node, const char* name, UtcTime& into) {
  const auto text = child_text(node, name);
  if (!text) return true;
  const auto time = from_rfc1123(trim(*text));
  if (time) into = *time;
  return time.has_value();
}

Result<QueueMessage> message_from(const pugi::xml_node& node) {
  QueueMessage message;
  message.id = child_text(node, "MessageId").value_or("");
  message.pop_receipt = child_text(node, "PopReceipt").value_or("");
  message.text = child_text(node, "MessageText").value_or("");
  if (!read_date(node, "InsertionTime", message.insertion_time) ||
      !read_date(node, "ExpirationTime", message.expiration_time) ||
      !read_date(node, "TimeNextVisible", message.time_next_visible)) {
    return not_the_protocol("message list", "a time is not in RFC 1123 form");
  }
  if (const auto text = child_text(node, "DequeueCount")) {
    const auto count = parse_integer<std::int64_t>(trim(*text));
    if (!count) return not_the_protocol("message list", "DequeueCount is not a number");
    message.dequeue_count = *count;
  }
  if (message.id.empty()) return not_the_protocol("message list", "a message has no MessageId");
  return message;
}

}  // namespace

UtcTime never_expires() {
  using namespace std::chrono;
  return sys_days{year{9999} / December / 31} + hours{23} + minutes{59} + seconds{59};
}

StorageError invalid_xml_document(const XmlFault& fault) {
  return storage_error("InvalidXmlDocument", {{"LineNumber", std::to_string(fault.line)},
                                              {"LinePosition", std::to_string(fault.position)},
                                              {"Reason", fault.reason}});
}

std::string xml_escape(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  append_escaped(out, text);
  return out;
}

std::string render_message_request(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8 + 80);
  out += "<QueueMessage><MessageText>";
  append_escaped(out, text, Forbidden::pass_on);
  out += "</MessageText></QueueMessage>";
  return out;
}

Result<std::string> parse_message_request(std::string_view xml_text, XmlFault& fault) {
  pugi::xml_document document;
  if (auto found = xml::load(document, xml_text)) {
    fault = *std::move(found);
    return not_xml(fault);
  }
  const auto refuse = [&fault](std::string reason) {
    fault = {.line = 1, .position = 1, .reason = std::move(reason)};
    return not_xml(fault);
  };
  const pugi::xml_node root = document.child("QueueMessage");
  if (!root) return refuse("The root element must be QueueMessage.");
  const pugi::xml_node text = root.child("MessageText");
  if (!text) return refuse("QueueMessage has no element MessageText.");
  if (text.next_sibling("MessageText")) return refuse("MessageText stands twice.");
  if (xml::has_elements(text)) {
    return refuse("MessageText holds elements; escape '<' as '&lt;'.");
  }
  return xml::text_of(text);
}

Result<std::string> parse_message_request(std::string_view xml_text) {
  XmlFault fault;
  return parse_message_request(xml_text, fault);
}

std::string render_messages(MessageAnswer answer, const std::vector<QueueMessage>& messages) {
  static constexpr std::size_t kElementsSize = 520;
  std::string out(kHead);
  if (messages.empty()) return out += "<QueueMessagesList />";
  std::size_t size = 100;
  for (const QueueMessage& message : messages) size += kElementsSize + message.text.size() * 9 / 8;
  out.reserve(size);

  DateText inserted;
  DateText expires;
  DateText next_visible;
  out += "<QueueMessagesList>";
  for (const QueueMessage& message : messages) {
    out += "<QueueMessage>";
    append_element(out, "MessageId", message.id);
    append_element(out, "InsertionTime", inserted(message.insertion_time));
    append_element(out, "ExpirationTime", expires(message.expiration_time));
    if (answer != MessageAnswer::peek) {
      append_element(out, "PopReceipt", message.pop_receipt);
      append_element(out, "TimeNextVisible", next_visible(message.time_next_visible));
    }
    if (answer != MessageAnswer::put) {
      fmt::format_to(std::back_inserter(out), "<DequeueCount>{}</DequeueCount>",
                     message.dequeue_count);
      append_element(out, "MessageText", message.text);
    }
    out += "</QueueMessage>";
  }
  return out += "</QueueMessagesList>";
}

Result<std::vector<QueueMessage>> parse_messages(std::string_view xml_text) {
  pugi::xml_document document;
  if (const auto fault = xml::load(document, xml_text)) {
    return not_the_protocol("message list", fault->reason);
  }
  const pugi::xml_node root = document.child("QueueMessagesList");
  if (!root) return not_the_protocol("message list", "the root is not QueueMessagesList");
  std::vector<QueueMessage> messages;
  for (const pugi::xml_node& node : root.children("QueueMessage")) {
    auto message = message_from(node);
    if (!message) return fail(std::move(message.error()));
    messages.push_back(*std::move(message));
  }
  return messages;
}

std::string render_queue_listing(const QueueListing& listing) {
  std::string out(kHead);
  out += "<EnumerationResults ServiceEndpoint=\"";
  append_attribute(out, listing.service_endpoint);
  out += "\">";
  if (listing.prefix) append_element(out, "Prefix", *listing.prefix);
  if (listing.marker) append_element(out, "Marker", *listing.marker);
  if (listing.max_results) append_element(out, "MaxResults", std::to_string(*listing.max_results));
  out += listing.queues.empty() ? "<Queues />" : "<Queues>";
  for (const QueueListing::Queue& queue : listing.queues) {
    out += "<Queue>";
    append_element(out, "Name", queue.name);
    if (listing.with_metadata) {
      out += queue.metadata.empty() ? "<Metadata />" : "<Metadata>";
      for (const auto& [name, value] : queue.metadata) append_element(out, name, value);
      if (!queue.metadata.empty()) out += "</Metadata>";
    }
    out += "</Queue>";
  }
  if (!listing.queues.empty()) out += "</Queues>";
  if (listing.next_marker.empty()) {
    out += "<NextMarker />";
  } else {
    append_element(out, "NextMarker", listing.next_marker);
  }
  return out += "</EnumerationResults>";
}

Result<QueueListing> parse_queue_listing(std::string_view xml_text) {
  pugi::xml_document document;
  if (const auto fault = xml::load(document, xml_text)) {
    return not_the_protocol("list of queues", fault->reason);
  }
  const pugi::xml_node root = document.child("EnumerationResults");
  if (!root) return not_the_protocol("list of queues", "the root is not EnumerationResults");
  QueueListing listing;
  listing.service_endpoint = root.attribute("ServiceEndpoint").value();
  listing.prefix = child_text(root, "Prefix");
  listing.marker = child_text(root, "Marker");
  listing.next_marker = child_text(root, "NextMarker").value_or("");
  if (const auto text = child_text(root, "MaxResults"); text && !trim(*text).empty()) {
    listing.max_results = parse_integer<std::int64_t>(trim(*text));
    if (!listing.max_results) return not_the_protocol("list of queues", "MaxResults is no number");
  }
  for (const pugi::xml_node& node : root.child("Queues").children("Queue")) {
    QueueListing::Queue queue;
    queue.name = child_text(node, "Name").value_or("");
    if (queue.name.empty()) return not_the_protocol("list of queues", "a queue has no Name");
    for (const pugi::xml_node& entry : node.child("Metadata").children()) {
      if (entry.type() != pugi::node_element) continue;
      queue.metadata.emplace_back(entry.name(), xml::text_of(entry));
    }
    listing.with_metadata = listing.with_metadata || node.child("Metadata");
    listing.queues.push_back(std::move(queue));
  }
  return listing;
}

}  // namespace latchkey::wire
