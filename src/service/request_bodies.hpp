#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "base/secret.hpp"
#include "codes/code.hpp"
#include "http/message.hpp"

/// The JSON bodies that the API takes. Pure.
///
/// The error side of each is the answer to give: 411 without a length, 415 for another content
/// type, 400 for what is no such JSON, naming the member but never its content. A member that a
/// body does not have is refused too: with "subjct" a code would be bound to nobody.
namespace latchkey::service {

/// Subject and purpose: UTF-8 without control characters, so that they can stand in logs.
inline constexpr std::size_t kMemberBytesMax = 256;

struct IssueBody {
  codes::Binding binding;
  std::optional<std::chrono::seconds> lifetime;  ///< 1 s to `lifetime_max`
};
/// {"subject"?: "...", "purpose"?: "...", "lifetime"?: seconds}
tl::expected<IssueBody, http::Response> parse_issue_body(const http::Request& request,
                                                         std::chrono::seconds lifetime_max);

struct VerifyBody {
  Secret code;  ///< at most kMemberBytesMax; its form is not looked at here
  codes::Binding binding;
};
/// {"code": "...", "subject"?: "...", "purpose"?: "..."}
tl::expected<VerifyBody, http::Response> parse_verify_body(const http::Request& request);

struct RevokeBody {
  std::string subject;  ///< not empty
  std::optional<std::string> purpose;
};
/// {"subject": "...", "purpose"?: "..."}
tl::expected<RevokeBody, http::Response> parse_revoke_body(const http::Request& request);

}  // namespace latchkey::service
