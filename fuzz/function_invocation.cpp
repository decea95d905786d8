#include "service/function_invocation.hpp"

#include <boost/json.hpp>

#include "fuzz/property.hpp"

/// What a functions host posts: in it is the text of whoever may write to the queue.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace latchkey;
  namespace json = boost::json;
  const std::string_view text = fuzz::text_of(data, size);
  if (const auto message = service::read_queue_trigger(text)) {
    fuzz::hold(message->insertion_time != UtcTime{}, "a message has its time");
  }
  if (const auto request = service::read_http_trigger(text)) {
    fuzz::hold(request->target.starts_with('/'), "a request has a path");
  }
  // As the real host writes a text: JSON within the JSON.
  const json::object body{{"Data", {{"message", json::serialize(json::string(text))}}},
                          {"Metadata", {{"InsertionTime", "2019-10-09T17:58:31+00:00"}}}};
  const auto message = service::read_queue_trigger(json::serialize(body));
  if (!message) return 0;  // Not UTF-8.
  fuzz::hold(message->text == text, "a text comes through as it is");
  return 0;
}
