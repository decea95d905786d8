#include "service/sign_in/outbox.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/encoding.hpp"
#include "base/time_text.hpp"
#include "service/sign_in/private_file.hpp"

namespace latchkey::service::sign_in {
namespace {

namespace json = boost::json;

/// Encoded, so that no name leaves the folder.
std::filesystem::path file_for(const std::filesystem::path& folder, std::string_view subject) {
  return folder / (percent_encode(subject) + ".json");
}

}  // namespace

Task<Result<>> OutboxDelivery::deliver(Message message) {
  const auto file = file_for(folder_, message.subject);
  if (file.filename().string().size() > 200) {
    co_return fail(ErrorKind::invalid_argument, "NameTooLong",
                   "the name is too long for a file of the outbox");
  }
  const json::object content = {{"code", message.code.reveal()},
                                {"expires", to_iso8601(message.expires)},
                                {"notMeUrl", message.not_me_url.reveal()}};
  const Secret text(json::serialize(content) + "\n");
  co_return write_private_file(file, text.reveal());
}

Result<std::optional<Message>> read_outbox(const std::filesystem::path& folder,
                                           std::string_view subject) {
  const auto file = file_for(folder, subject);
  const auto text = read_private_file(file);
  if (!text) return fail(text.error());
  if (!*text) return std::nullopt;
  boost::system::error_code error;
  const json::value content = json::parse(**text, error);
  if (!error && content.is_object()) {
    const auto& fields = content.as_object();
    const auto* code = fields.if_contains("code");
    const auto* expires = fields.if_contains("expires");
    const auto* not_me = fields.if_contains("notMeUrl");
    if (code && code->is_string() && expires && expires->is_string() && not_me &&
        not_me->is_string()) {
      if (const auto time = from_iso8601(expires->as_string())) {
        return Message{std::string(subject), Secret(std::string(code->as_string())), *time,
                       Secret(std::string(not_me->as_string()))};
      }
    }
  }
  return fail(ErrorKind::storage, "OutboxError",
              fmt::format("{} is no message of ours; delete it", file.string()));
}

}  // namespace latchkey::service::sign_in
