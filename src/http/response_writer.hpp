#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "http/message.hpp"

/// Responses to bytes (RFC 9112), without sockets.
namespace latchkey::http {

/// "Date: Wed, 15 Apr 2020 16:54:48 GMT\r\n", made anew once a second only.
class DateLine {
 public:
  std::string_view at(UtcTime now);

 private:
  std::chrono::sys_seconds second_{std::chrono::seconds{-1}};
  std::string line_;
};

/// What the request says about its answer's form.
struct AnswerForm {
  bool to_head = false;
  bool to_http10 = false;
  bool keep_alive = true;
};

/// Appends `response` to `out`. Length, transfer coding, Connection and (unless the handler gave
/// one) Date are this function's business; control characters in the reason and in fields become
/// blanks. Returns whether the connection stays open: false also when the response says
/// "Connection: close".
bool render(const Response& response, const AnswerForm& form, std::string_view date_line,
            std::string& out);

}  // namespace latchkey::http
