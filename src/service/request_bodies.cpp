#include "service/request_bodies.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <initializer_list>

#include "base/text.hpp"
#include "service/problem.hpp"

namespace latchkey::service {
namespace {

using boost::json::object;
template <class T>
using OrAnswer = tl::expected<T, http::Response>;

tl::unexpected<http::Response> bad(std::string detail) {
  return problem_instead({.status = 400,
                          .name = "bad-body",
                          .title = "The body is not as it must be",
                          .detail = std::move(detail)});
}

bool is_json(const http::Headers& headers) {
  const auto type = headers.find("Content-Type");
  return type && iequals(trim(type->substr(0, type->find(';'))), "application/json");
}

/// C0, DEL, C1 and the two Unicode line ends, in well-formed UTF-8.
bool has_control_character(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7F) return true;
    const std::string_view rest = text.substr(i + 1);
    if (c == 0xC2 && !rest.empty() && static_cast<unsigned char>(rest[0]) < 0xA0) return true;
    if (c == 0xE2 && (rest.starts_with("\x80\xA8") || rest.starts_with("\x80\xA9"))) return true;
  }
  return false;
}

/// The object in the body, with no members but `allowed`.
OrAnswer<object> read_object(const http::Request& request,
                             std::initializer_list<std::string_view> allowed) {
  if (!request.has_length()) {
    return problem_instead({.status = 411,
                            .name = "length-required",
                            .title = "Length required",
                            .detail = "Send Content-Length, or the body as chunks."});
  }
  if (!is_json(request.headers)) {
    return problem_instead({.status = 415,
                            .name = "not-json",
                            .title = "Unsupported content type",
                            .detail = "Send the body as Content-Type: application/json."});
  }
  boost::json::error_code error;
  boost::json::parse_options options;
  options.max_depth = 8;
  // Well-formed UTF-8 is part of what the parser checks.
  auto document = boost::json::parse(request.body, error, {}, options);
  if (error || !document.is_object()) return bad("The body is not a JSON object.");
  for (const auto& member : document.get_object()) {
    const std::string_view name = member.key();
    if (std::find(allowed.begin(), allowed.end(), name) != allowed.end()) continue;
    // The name comes from outside; what it is like must not matter to whoever reads the answer.
    return bad(fmt::format("There is a member besides {}.", fmt::join(allowed, ", ")));
  }
  return std::move(document.get_object());
}

/// A member's text; nullopt when it is absent.
OrAnswer<std::optional<std::string>> read_text(const object& members, std::string_view name) {
  const auto* value = members.if_contains(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string() || value->get_string().size() > kMemberBytesMax) {
    return bad(fmt::format("The member \"{}\" must be a string of at most {} bytes.", name,
                           kMemberBytesMax));
  }
  return std::string(std::string_view(value->get_string()));
}

/// As read_text, for what is stored and logged.
OrAnswer<std::optional<std::string>> read_name(const object& members, std::string_view name) {
  auto text = read_text(members, name);
  if (text && *text && has_control_character(**text)) {
    return bad(fmt::format("The member \"{}\" must not hold control characters.", name));
  }
  return text;
}

OrAnswer<codes::Binding> read_binding(const object& members) {
  auto subject = read_name(members, "subject");
  if (!subject) return tl::unexpected(std::move(subject.error()));
  auto purpose = read_name(members, "purpose");
  if (!purpose) return tl::unexpected(std::move(purpose.error()));
  return codes::Binding{.subject = subject->value_or(""), .purpose = purpose->value_or("")};
}

}  // namespace

OrAnswer<IssueBody> parse_issue_body(const http::Request& request,
                                     std::chrono::seconds lifetime_max) {
  const auto members = read_object(request, {"subject", "purpose", "lifetime"});
  if (!members) return tl::unexpected(members.error());
  auto binding = read_binding(*members);
  if (!binding) return tl::unexpected(std::move(binding.error()));
  IssueBody body{.binding = std::move(*binding), .lifetime = {}};
  if (const auto* value = members->if_contains("lifetime")) {
    boost::json::error_code error;
    const auto count = value->is_number() ? value->to_number<std::int64_t>(error) : 0;
    if (error || count < codes::kLifetimeMin.count() || count > lifetime_max.count()) {
      return bad(fmt::format("The member \"lifetime\" must be a whole number of seconds, {} to {}.",
                             codes::kLifetimeMin.count(), lifetime_max.count()));
    }
    body.lifetime = std::chrono::seconds{count};
  }
  return body;
}

OrAnswer<VerifyBody> parse_verify_body(const http::Request& request) {
  const auto members = read_object(request, {"code", "subject", "purpose"});
  if (!members) return tl::unexpected(members.error());
  auto code = read_text(*members, "code");
  if (!code) return tl::unexpected(std::move(code.error()));
  if (!*code) return bad("The member \"code\" is missing.");
  auto binding = read_binding(*members);
  if (!binding) return tl::unexpected(std::move(binding.error()));
  return VerifyBody{.code = Secret(std::move(**code)), .binding = std::move(*binding)};
}

OrAnswer<RevokeBody> parse_revoke_body(const http::Request& request) {
  const auto members = read_object(request, {"subject", "purpose"});
  if (!members) return tl::unexpected(members.error());
  auto subject = read_name(*members, "subject");
  if (!subject) return tl::unexpected(std::move(subject.error()));
  if (!*subject || (*subject)->empty()) {
    return bad("The member \"subject\" is missing or empty.");
  }
  auto purpose = read_name(*members, "purpose");
  if (!purpose) return tl::unexpected(std::move(purpose.error()));
  return RevokeBody{.subject = std::move(**subject), .purpose = std::move(*purpose)};
}

}  // namespace latchkey::service
