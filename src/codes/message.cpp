#include "codes/message.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <optional>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "codes/code.hpp"
#include "codes/python_literal.hpp"

namespace latchkey::codes {
namespace {

/// What Queue Storage allows as a message's text.
constexpr std::size_t kTextBytesMax = 64 * 1024;
constexpr std::size_t kJsonDepthMax = 8;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

tl::unexpected<Error> bad(std::string what) {
  return fail(ErrorKind::invalid_argument, "BadMessage", std::move(what));
}

/// The two members that count, as text.
struct Members {
  std::optional<std::string> code;
  std::optional<std::string> timestamp;
};

std::optional<std::string> text_member(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string(value->get_string());
}

std::optional<Members> members_of_json(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = kJsonDepthMax;
  boost::json::error_code error;
  const auto value = boost::json::parse(text, error, {}, options);
  if (error || !value.is_object()) return std::nullopt;
  const auto& object = value.get_object();
  return Members{text_member(object, "code"), text_member(object, "timestamp")};
}

std::optional<Members> members_of_python(std::string_view text) {
  auto entries = parse_python_dict(text);
  if (!entries) return std::nullopt;
  Members members;
  for (auto& entry : *entries) {
    if (entry.key == "code") members.code = std::move(entry.text);
    if (entry.key == "timestamp") members.timestamp = std::move(entry.text);
  }
  return members;
}

std::string_view without_frame(std::string_view text) {
  text = trim(text);
  if (text.starts_with(kByteOrderMark)) text = trim(text.substr(kByteOrderMark.size()));
  return text;
}

std::optional<UtcTime> parse_timestamp(std::string_view text) {
  if (auto time = from_python_utc(text)) return time;
  // A date alone is ISO 8601 too, but no time of issue.
  if (text.find('T') == std::string_view::npos) return std::nullopt;
  return from_iso8601(text);
}

}  // namespace

std::string render_message(const CodeMessage& message) {
  // Letters, digits, hyphens, colons, a dot and a blank: nothing to escape.
  std::string text = R"({"code":")";
  text += message.code.reveal();
  text += R"(","timestamp":")";
  text += to_python_utc(message.timestamp);
  text += R"("})";
  return text;
}

Result<CodeMessage> parse_message(std::string_view text) {
  if (text.size() > kTextBytesMax) return bad("the message is longer than 64 KiB");
  std::string_view body = without_frame(text);
  std::optional<Bytes> decoded;
  if (!body.starts_with('{')) {
    decoded = from_base64(body);
    if (!decoded) return bad("the message is neither JSON, nor a Python dictionary, nor Base64");
    body = without_frame(as_text(*decoded));
  }
  auto members = members_of_json(body);
  if (!members) members = members_of_python(body);
  if (!members) return bad("the message is neither a JSON object nor a Python dictionary");
  if (!members->code) return bad("the message has no text member \"code\"");
  if (!members->timestamp) return bad("the message has no text member \"timestamp\"");
  if (!is_code_form(*members->code))
    return bad("the message's \"code\" has not the form of a code");
  const auto timestamp = parse_timestamp(*members->timestamp);
  if (!timestamp) return bad("the message's \"timestamp\" is not a time");
  return CodeMessage{Secret(std::move(*members->code)), *timestamp};
}

}  // namespace latchkey::codes
