#include "wire/shared_key.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "base/assert.hpp"
#include "base/encoding.hpp"
#include "base/hash.hpp"
#include "base/text.hpp"

namespace latchkey::wire {
namespace {

using NamedValue = std::pair<std::string, std::string>;

constexpr std::string_view kSharedKey = "SharedKey ";
constexpr std::string_view kSharedKeyLite = "SharedKeyLite ";

/// Line `value` of a standard header; empty when absent.
void append_header(std::string& out, const http::Headers& headers, std::string_view name) {
  out.append(trim(headers.find(name).value_or(""))).append("\n");
}

/// x-ms-date takes the place of Date.
void append_date(std::string& out, const http::Headers& headers) {
  if (headers.contains("x-ms-date")) {
    out.append("\n");
  } else {
    append_header(out, headers, "Date");
  }
}

/// Rank of a header name's character in .NET's en-US order: punctuation, digits, letters. 0 for
/// '-', which that order passes over until all else is equal.
int rank(char c) {
  if (c == '-') return 0;
  const bool digit = c >= '0' && c <= '9';
  const bool letter = c >= 'a' && c <= 'z';
  const int group = letter ? 3 : digit ? 2 : 1;
  return group * 256 + static_cast<unsigned char>(c);
}

bool header_name_before(std::string_view a, std::string_view b) {
  std::size_t i = 0;
  std::size_t j = 0;
  for (;;) {
    while (i < a.size() && rank(a[i]) == 0) ++i;
    while (j < b.size() && rank(b[j]) == 0) ++j;
    if (i == a.size() || j == b.size()) break;
    if (rank(a[i]) != rank(b[j])) return rank(a[i]) < rank(b[j]);
    ++i;
    ++j;
  }
  if (i != a.size() || j != b.size()) return i == a.size();
  return a.size() != b.size() ? a.size() < b.size() : a > b;
}

struct HeaderLine {
  std::string name;  ///< lower case
  std::string_view value;
  std::size_t place;
};

void append_canonical_headers(std::string& out, const http::Headers& headers) {
  std::vector<HeaderLine> lines;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const http::Headers::Field field = headers.at(i);
    if (!istarts_with(field.name, "x-ms-")) continue;
    lines.push_back({to_lower(field.name), trim(field.value), i});
  }
  std::sort(lines.begin(), lines.end(), [](const HeaderLine& a, const HeaderLine& b) {
    return a.name == b.name ? a.place < b.place : header_name_before(a.name, b.name);
  });
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const bool repeated = i > 0 && lines[i].name == lines[i - 1].name;
    if (repeated) {
      out.back() = ',';
    } else {
      out.append(lines[i].name).append(":");
    }
    out.append(lines[i].value).append("\n");
  }
}

void append_resource(std::string& out, std::string_view path, std::string_view account) {
  out.append("/").append(account);
  if (!path.starts_with('/')) out.append("/");
  out.append(path);
}

/// Of the short forms: the path and ?comp, no other parameter.
void append_short_resource(std::string& out, const SignedRequest& request,
                           std::string_view account) {
  append_resource(out, request.path, account);
  if (const std::string* comp = http::find_parameter(*request.query, "comp")) {
    out.append("?comp=").append(*comp);
  }
}

/// "\nkey:value,value" per key: keys in lower case and sorted, the values of each sorted.
void append_canonical_query(std::string& out, const http::Query& query) {
  std::vector<NamedValue> parameters;
  parameters.reserve(query.size());
  for (const http::QueryParameter& parameter : query) {
    parameters.emplace_back(to_lower(parameter.key), parameter.value);
  }
  std::sort(parameters.begin(), parameters.end());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto& [key, value] = parameters[i];
    if (i > 0 && key == parameters[i - 1].first) {
      out.append(",");
    } else {
      out.append("\n").append(key).append(":");
    }
    out.append(value);
  }
}

}  // namespace

std::string shared_key_string_to_sign(const SignedRequest& request, std::string_view account) {
  LK_ASSERT(request.query != nullptr && request.headers != nullptr);
  const http::Headers& headers = *request.headers;
  std::string text;
  text.reserve(512);
  text.append(http::to_string(request.method)).append("\n");
  append_header(text, headers, "Content-Encoding");
  append_header(text, headers, "Content-Language");
  // Empty instead of 0 from version 2015-02-21 on.
  if (request.content_length > 0) text.append(std::to_string(request.content_length));
  text.append("\n");
  append_header(text, headers, "Content-MD5");
  append_header(text, headers, "Content-Type");
  append_date(text, headers);
  static constexpr std::array<std::string_view, 5> kConditions = {
      "If-Modified-Since", "If-Match", "If-None-Match", "If-Unmodified-Since", "Range"};
  for (std::string_view name : kConditions) append_header(text, headers, name);
  append_canonical_headers(text, headers);
  append_resource(text, request.path, account);
  append_canonical_query(text, *request.query);
  return text;
}

std::string shared_key_lite_string_to_sign(const SignedRequest& request, std::string_view account) {
  LK_ASSERT(request.query != nullptr && request.headers != nullptr);
  const http::Headers& headers = *request.headers;
  std::string text(http::to_string(request.method));
  text.append("\n");
  append_header(text, headers, "Content-MD5");
  append_header(text, headers, "Content-Type");
  append_date(text, headers);
  append_canonical_headers(text, headers);
  append_short_resource(text, request, account);
  return text;
}

std::string shared_key_table_string_to_sign(const SignedRequest& request,
                                            std::string_view account) {
  LK_ASSERT(request.query != nullptr && request.headers != nullptr);
  const http::Headers& headers = *request.headers;
  std::string text(http::to_string(request.method));
  text.append("\n");
  append_header(text, headers, "Content-MD5");
  append_header(text, headers, "Content-Type");
  append_header(text, headers, headers.contains("x-ms-date") ? "x-ms-date" : "Date");
  append_short_resource(text, request, account);
  return text;
}

std::string sign_with_key(std::string_view text, const Secret& account_key_base64) {
  const auto key = from_base64(account_key_base64.reveal());
  LK_ASSERT(key.has_value());
  return to_base64(hmac_sha256(*key, text));
}

Result<SharedKeyAuthorization> parse_shared_key_authorization(std::string_view header) {
  header = trim(header);
  SharedKeyAuthorization result;
  result.lite = istarts_with(header, kSharedKeyLite);
  if (!result.lite && !istarts_with(header, kSharedKey)) {
    return fail(ErrorKind::invalid_argument, "InvalidAuthenticationInfo",
                "the Authorization header is neither SharedKey nor SharedKeyLite");
  }
  const auto rest = trim(header.substr(result.lite ? kSharedKeyLite.size() : kSharedKey.size()));
  const auto colon = rest.find(':');
  const auto signature = colon == std::string_view::npos ? "" : rest.substr(colon + 1);
  if (signature.empty() || colon == 0 || rest.find_first_of(" \t") != std::string_view::npos) {
    return fail(ErrorKind::invalid_argument, "InvalidAuthenticationInfo",
                "the Authorization header does not have the form SharedKey account:signature");
  }
  result.account = rest.substr(0, colon);
  result.signature = signature;
  return result;
}

}  // namespace latchkey::wire
