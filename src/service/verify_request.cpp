#include "service/verify_request.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <optional>

#include "base/text.hpp"
#include "service/problem.hpp"

namespace latchkey::service {
namespace {

constexpr std::size_t kMemberBytesMax = 256;

tl::unexpected<http::Response> bad(std::string detail) {
  return tl::unexpected<http::Response>(problem_response({.status = 400,
                                                          .name = "bad-verify-request",
                                                          .title = "Not a verify request",
                                                          .detail = std::move(detail),
                                                          .accepted = {}}));
}

bool is_json(const http::Headers& headers) {
  const auto type = headers.find("Content-Type");
  return type && iequals(trim(type->substr(0, type->find(';'))), "application/json");
}

/// A member's text; nullopt when it is no string or too long. An absent one is empty.
std::optional<std::string> member_text(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr) return std::string{};
  if (!value->is_string() || value->get_string().size() > kMemberBytesMax) return std::nullopt;
  return std::string(std::string_view(value->get_string()));
}

}  // namespace

tl::expected<VerifyRequest, http::Response> parse_verify_request(const http::Request& request) {
  if (!request.has_length()) {
    return tl::unexpected<http::Response>(
        problem_response({.status = 411,
                          .name = "length-required",
                          .title = "Length required",
                          .detail = "Send Content-Length, or the body as chunks.",
                          .accepted = {}}));
  }
  if (!is_json(request.headers)) {
    return tl::unexpected<http::Response>(
        problem_response({.status = 415,
                          .name = "not-json",
                          .title = "Unsupported content type",
                          .detail = "Send the body as Content-Type: application/json.",
                          .accepted = {}}));
  }
  boost::json::error_code error;
  boost::json::parse_options options;
  options.max_depth = 8;
  const auto document = boost::json::parse(request.body, error, {}, options);
  if (error || !document.is_object()) {
    return bad(R"(The body is not a JSON object such as {"code":"ojE-161-pTv"}.)");
  }
  const auto& object = document.get_object();
  if (!object.contains("code")) return bad("The member \"code\" is missing.");
  VerifyRequest wanted;
  for (const std::string_view name : {"code", "subject", "purpose"}) {
    auto text = member_text(object, name);
    if (!text) {
      return bad(fmt::format("The member \"{}\" must be a string of at most {} bytes.", name,
                             kMemberBytesMax));
    }
    if (name == "code") {
      wanted.code = Secret(std::move(*text));
    } else {
      (name == "subject" ? wanted.binding.subject : wanted.binding.purpose) = std::move(*text);
    }
  }
  return wanted;
}

}  // namespace latchkey::service
