#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/message.hpp"
#include "http/router.hpp"

namespace latchkey::cloud::testing {

using HeaderFields = std::vector<std::pair<std::string, std::string>>;

/// One request through a handler, no sockets. Host is "localhost:8443" unless given.
http::Response ask(const http::Handler& handler, http::Method method, std::string target,
                   const HeaderFields& fields = {}, std::string body = {});

/// The header's value; "" when it is not there.
std::string header_of(const http::Response& response, std::string_view name);

/// The member of a JSON body that a path such as "error.innererror.code" or "value.0.id" names, as
/// text: a string as it is, everything else as JSON; "(none)" when there is no such member.
std::string json_member(std::string_view body, std::string_view path);

}  // namespace latchkey::cloud::testing
