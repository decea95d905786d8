#pragma once

#include <tl/expected.hpp>

#include "base/secret.hpp"
#include "codes/code.hpp"
#include "http/message.hpp"

namespace latchkey::service {

struct VerifyRequest {
  Secret code;
  codes::Binding binding;
};

/// Reads {"code": "...", "subject"?: "...", "purpose"?: "..."} of content type application/json;
/// other members are ignored. The error side is the answer to give: 411 without a length, 415 for
/// another content type, 400 for what is not such JSON, naming the member. The form of the code is
/// not looked at here.
tl::expected<VerifyRequest, http::Response> parse_verify_request(const http::Request& request);

}  // namespace latchkey::service
