#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "http/message.hpp"

/// Answers of the token endpoints: managed identity (App Service, IMDS) and OAuth 2.0.
namespace latchkey::wire {

struct TokenAnswer {
  Secret access_token;
  UtcTime expires_on{};
  /// When the service advises to refresh; UtcTime{} when it said nothing.
  UtcTime refresh_on{};
};

/// One shape that all SDKs read: access_token, token_type, resource, expires_on and not_before as
/// strings of epoch seconds, expires_in as a string, client_id.
std::string render_managed_identity_token(const TokenAnswer& answer, std::string_view resource,
                                          std::string_view client_id, UtcTime now);
/// OAuth form: token_type, expires_in and ext_expires_in as numbers, access_token.
std::string render_oauth_token(const TokenAnswer& answer, UtcTime now);
/// Reads either form: refresh_in, expires_in (number or text), expires_on (number, text of a
/// number, ISO 8601, RFC 1123). expires_in wins where both stand: it needs no agreement of clocks.
/// Error: protocol, code InvalidTokenAnswer, naming the member; also for a token that could not
/// stand in a header.
Result<TokenAnswer> parse_token(std::string_view json, UtcTime now);

/// {"error":"invalid_client","error_description":...,"error_codes":[...],...}; the description is
/// led by "AADSTS<code>: ".
std::string render_oauth_error(std::string_view error, std::string_view description,
                               int aadsts_code, std::string_view trace_id, UtcTime now);
/// {"statusCode":400,"message":...}: the App Service identity endpoint's form.
std::string render_app_service_error(int status, std::string_view message);
/// {"error":"invalid_request","error_description":...}: IMDS's form.
std::string render_imds_error(std::string_view error, std::string_view description);
/// What a client makes of a failed token answer of any of the forms. `who` names the endpoint.
/// Code: the answer's `error`, else "TokenRequestFailed". Kind by status; refused clients
/// (invalid_client, unauthorized_client, invalid_grant, access_denied) are denied, and 410, which
/// IMDS answers while it is being updated, is unavailable.
Error token_error_from(const http::Response& response, std::string_view who);

}  // namespace latchkey::wire
