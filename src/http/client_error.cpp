#include "http/client_error.hpp"

#include <openssl/x509_vfy.h>

#include <boost/asio/error.hpp>

namespace latchkey::http {
namespace {
namespace error = boost::asio::error;

Error made(ErrorKind kind, std::string code, std::string message) {
  return fail(kind, std::move(code), std::move(message)).value();
}

std::string named(std::string_view peer) {
  return std::string(peer);
}

std::string remedy_for(long verify_result, std::string_view peer) {
  switch (verify_result) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "; the certificate does not name this host: use a name that it lists";
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "; renew the certificate of " + named(peer) + " or set this machine's clock right";
    default:
      return "; if you trust this authority, set SSL_CERT_FILE to the authority's PEM";
  }
}

}  // namespace

Error connect_error(const boost::system::error_code& cause, std::string_view peer) {
  if (cause == error::host_not_found || cause == error::host_not_found_try_again ||
      cause == error::no_data) {
    return made(ErrorKind::unavailable, "NameNotFound",
                "the name in " + named(peer) + " cannot be resolved (" + cause.message() +
                    "); check the spelling and this machine's DNS");
  }
  if (cause == error::connection_refused) {
    return made(ErrorKind::unavailable, "ConnectionRefused",
                named(peer) + " refused the connection; is the service running there?");
  }
  if (cause == error::connection_reset || cause == error::eof || cause == error::broken_pipe) {
    return made(ErrorKind::unavailable, "ConnectionReset",
                named(peer) + " closed the connection while it was being set up");
  }
  if (cause == error::timed_out) return connect_timeout(peer);
  if (cause == error::host_unreachable || cause == error::network_unreachable) {
    return made(ErrorKind::unavailable, "HostUnreachable",
                named(peer) + " cannot be reached (" + cause.message() + "); check the network");
  }
  return made(ErrorKind::unavailable, "ConnectFailed",
              "cannot connect to " + named(peer) + ": " + cause.message());
}

Error tls_error(const boost::system::error_code& cause, long verify_result, std::string_view peer) {
  if (verify_result != X509_V_OK) {
    return made(ErrorKind::unavailable, "TlsVerificationFailed",
                "the certificate of " + named(peer) + " was not accepted: " +
                    X509_verify_cert_error_string(verify_result) + remedy_for(verify_result, peer));
  }
  return made(ErrorKind::unavailable, "TlsHandshakeFailed",
              "no TLS connection to " + named(peer) + ": " + cause.message() +
                  "; is it TLS that is spoken there?");
}

Error proxy_refusal(int status, std::string_view proxy, std::string_view peer) {
  std::string remedy = "; check HTTPS_PROXY and NO_PROXY";
  if (status == 407) remedy = "; it wants a valid user:password in HTTPS_PROXY";
  Error refusal = made(ErrorKind::unavailable, "ProxyRefused",
                       "the proxy " + named(proxy) + " refused to connect to " + named(peer) +
                           " with status " + std::to_string(status) + remedy);
  refusal.http_status = status;
  return refusal;
}

Error broken_connection(const boost::system::error_code& cause, std::string_view peer) {
  return made(ErrorKind::unavailable, "ConnectionReset",
              named(peer) + " closed the connection before it answered (" + cause.message() +
                  "); whether the request had an effect is unknown");
}

Error answer_cut_short(std::string_view peer) {
  return made(ErrorKind::unavailable, "AnswerCutShort",
              named(peer) + " closed the connection in the middle of its answer");
}

Error tls_cut_short(std::string_view peer) {
  return made(ErrorKind::protocol, "AnswerCutShort",
              named(peer) +
                  " ended TLS without close_notify in a body that lasts until then, so "
                  "that it may have been cut short by anybody");
}

Error said_by(std::string_view peer, Error error) {
  error.message = named(peer) + ": " + error.message;
  return error;
}

Error connect_timeout(std::string_view peer) {
  return made(ErrorKind::timeout, "ConnectTimeout",
              named(peer) + " did not take the connection in time; check address and firewall");
}

Error response_timeout(std::string_view peer) {
  return made(ErrorKind::timeout, "ResponseTimeout",
              named(peer) +
                  " did not answer in time; whether the request had an effect is "
                  "unknown");
}

Error pool_timeout(std::string_view peer) {
  return made(ErrorKind::timeout, "PoolTimeout",
              "no connection to " + named(peer) + " became free in time; all are busy");
}

Error client_closed(std::string_view peer) {
  return made(ErrorKind::unavailable, "ClientClosed",
              "the client was closed while a request to " + named(peer) + " was running");
}

}  // namespace latchkey::http
