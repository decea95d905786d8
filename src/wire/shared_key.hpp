#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "http/message.hpp"

/// Shared Key signatures of Azure Storage, for signing and for checking. Blobs, queues and files
/// have one form, tables another. Source: REST reference, "Authorize with Shared Key".
namespace latchkey::wire {

/// What both ends sign over. `path` is the raw, percent-encoded URL path; the body's length is
/// given because a client's headers may not carry Content-Length yet.
struct SignedRequest {
  http::Method method = http::Method::get;
  std::string_view path;
  const http::Query* query = nullptr;
  const http::Headers* headers = nullptr;
  std::size_t content_length = 0;
};

/// The string-to-sign: verb, the eleven standard headers, x-ms-* headers, resource. x-ms-* headers
/// stand in the order of .NET's en-US culture, by which the service sorts ('_' before digits before
/// letters, '-' counting last), which differs from byte order for odd metadata names.
std::string shared_key_string_to_sign(const SignedRequest& request, std::string_view account);
/// SharedKeyLite: verb, Content-MD5, Content-Type, Date, x-ms-* headers, path and comp.
std::string shared_key_lite_string_to_sign(const SignedRequest& request, std::string_view account);
/// The form of tables: verb, Content-MD5, Content-Type, the date (which is never left empty, as in
/// the form above), path and comp.
std::string shared_key_table_string_to_sign(const SignedRequest& request, std::string_view account);
/// base64(HMAC-SHA-256(base64-decoded key, text)). The key must be base64 (asserted): check it
/// where it enters the program, as parse_connection_string does.
std::string sign_with_key(std::string_view text, const Secret& account_key_base64);

/// "SharedKey account:signature" taken apart; neither part is empty. Error: invalid_argument, code
/// InvalidAuthenticationInfo.
struct SharedKeyAuthorization {
  bool lite = false;
  std::string account;
  std::string signature;
};
Result<SharedKeyAuthorization> parse_shared_key_authorization(std::string_view header);

}  // namespace latchkey::wire
