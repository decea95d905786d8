#include "codes/message.hpp"

#include "base/encoding.hpp"
#include "codes/code.hpp"
#include "fuzz/property.hpp"

/// The queue message: whoever may write to the queue writes what he likes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace latchkey;
  const auto message = codes::parse_message(fuzz::text_of(data, size));
  if (!message) return 0;
  fuzz::hold(codes::is_code_form(message->code.reveal()), "what is read has a code's form");
  const std::string text = codes::render_message(*message);
  for (const std::string& form : {text, to_base64(text)}) {
    const auto again = codes::parse_message(form);
    fuzz::hold(again.has_value(), "what is written can be read");
    fuzz::hold(again->code == message->code, "the code stays the same");
    fuzz::hold(again->timestamp == message->timestamp, "the time stays the same");
  }
  return 0;
}
