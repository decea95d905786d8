#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "http/message.hpp"

namespace latchkey::service::sign_in {

/// The fields of a form that a browser posted.
class Form {
 public:
  /// The field's text; "" when there is none.
  std::string_view operator[](std::string_view name) const;

 private:
  friend Result<Form> parse_form(const http::Request& request);
  std::vector<std::pair<std::string, std::string>> fields_;
};

inline constexpr std::size_t kFormBytesMax = 8 * 1024;
inline constexpr std::size_t kFormFieldsMax = 16;

/// Reads application/x-www-form-urlencoded (WHATWG URL section 5.1). Error: invalid_argument for
/// another type, more than the limits, a field that comes twice, and for text that is not UTF-8 or
/// has control characters: it would forge lines in logs and messages.
Result<Form> parse_form(const http::Request& request);

/// UTF-8 without control characters, at most `bytes_max` long.
bool is_plain_text(std::string_view text, std::size_t bytes_max);

}  // namespace latchkey::service::sign_in
