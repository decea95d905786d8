#pragma once

#include <boost/system/error_code.hpp>
#include <string>
#include <string_view>

#include "base/result.hpp"

/// The client's errors in words: who, what, and the remedy. `peer` is "host:port".
namespace latchkey::http {

/// Finding or reaching `peer` failed.
Error connect_error(const boost::system::error_code& cause, std::string_view peer);
/// The TLS handshake failed; `verify_result` is OpenSSL's verdict on the certificate (X509_V_OK
/// when that was not the reason).
Error tls_error(const boost::system::error_code& cause, long verify_result, std::string_view peer);
/// A proxy answered CONNECT with something else than 2xx.
Error proxy_refusal(int status, std::string_view proxy, std::string_view peer);
/// The connection broke before the first byte of an answer.
Error broken_connection(const boost::system::error_code& cause, std::string_view peer);
/// The connection broke, or closed, in the middle of an answer.
Error answer_cut_short(std::string_view peer);
/// TLS ended without saying so where that would have been the end of the body.
Error tls_cut_short(std::string_view peer);
/// `error` of the parser, with the name of who answered so.
Error said_by(std::string_view peer, Error error);

Error connect_timeout(std::string_view peer);
Error response_timeout(std::string_view peer);
/// All connections to `peer` stayed busy.
Error pool_timeout(std::string_view peer);
Error client_closed(std::string_view peer);

}  // namespace latchkey::http
