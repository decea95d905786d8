#include "service/sign_in/form.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace latchkey::service::sign_in {
namespace {

tl::unexpected<Error> bad_form(const char* problem) {
  return fail(ErrorKind::invalid_argument, "BadForm", problem);
}

}  // namespace

bool is_plain_text(std::string_view text, std::size_t bytes_max) {
  return text.size() <= bytes_max && is_utf8(text) &&
         std::none_of(text.begin(), text.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte < 0x20 || byte == 0x7F;
         });
}

std::string_view Form::operator[](std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (key == name) return value;
  }
  return {};
}

Result<Form> parse_form(const http::Request& request) {
  const auto type = request.headers.find("Content-Type").value_or("");
  if (!iequals(trim(type.substr(0, type.find(';'))), "application/x-www-form-urlencoded")) {
    return bad_form("the content type is not application/x-www-form-urlencoded");
  }
  if (request.body.size() > kFormBytesMax) return bad_form("the form is too long");
  Form form;
  for (const auto field : split(request.body, '&')) {
    if (field.empty()) continue;
    if (form.fields_.size() == kFormFieldsMax) return bad_form("the form has too many fields");
    const auto equals = std::min(field.find('='), field.size());
    auto name = form_decode(field.substr(0, equals));
    auto value = form_decode(field.substr(std::min(equals + 1, field.size())));
    if (!name || !value) return bad_form("a field is not well encoded");
    if (!is_plain_text(*name, kFormBytesMax) || !is_plain_text(*value, kFormBytesMax)) {
      return bad_form("a field is not plain text");
    }
    for (const auto& [known, text] : form.fields_) {
      if (known == *name) return bad_form("a field comes twice");
    }
    form.fields_.emplace_back(std::move(*name), std::move(*value));
  }
  return form;
}

}  // namespace latchkey::service::sign_in
