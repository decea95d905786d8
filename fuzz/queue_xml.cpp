#include "wire/queue_xml.hpp"

#include "fuzz/property.hpp"

/// Queue Storage's XML, as server (a request body) and as client (an answer).
namespace latchkey::wire {
namespace {

void check_request(std::string_view xml) {
  XmlFault fault;
  const auto text = parse_message_request(xml, fault);
  if (!text) {
    const bool placed = fault.reason.empty() || (fault.line >= 1 && fault.position >= 0);
    fuzz::hold(placed, "a fault has a place");
    return;
  }
  const auto again = parse_message_request(render_message_request(*text));
  fuzz::hold(again.has_value(), "what was read can be sent");
  fuzz::hold(*again == *text, "the text stays the same");
}

void check_answer(std::string_view xml) {
  const auto messages = parse_messages(xml);
  if (!messages) return;
  const auto again = parse_messages(render_messages(MessageAnswer::get, *messages));
  fuzz::hold(again.has_value(), "what was read can be written");
  fuzz::hold(again->size() == messages->size(), "no message is lost");
}

void check_listing(std::string_view xml) {
  const auto listing = parse_queue_listing(xml);
  if (!listing) return;
  const auto again = parse_queue_listing(render_queue_listing(*listing));
  fuzz::hold(again.has_value(), "a listing that was read can be written");
  fuzz::hold(again->queues.size() == listing->queues.size(), "no queue is lost");
}

/// Any text at all: what arrives is what was sent, or it is refused; never something else.
void check_round_trip(std::string_view text) {
  const auto arrived = parse_message_request(render_message_request(text));
  fuzz::hold(!arrived || *arrived == text, "a text arrives as it was sent");
}

}  // namespace
}  // namespace latchkey::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace latchkey;
  const std::string_view input = fuzz::text_of(data, size);
  wire::check_request(input);
  wire::check_answer(input);
  wire::check_listing(input);
  wire::check_round_trip(input);
  return 0;
}
