#pragma once

#include <boost/asio/ssl/context.hpp>
#include <string>

#include "http/tls.hpp"

/// What stands behind the TLS contexts: private to this room, for its server and client.
namespace latchkey::http {

struct TlsServerContext::Impl {
  boost::asio::ssl::context context{boost::asio::ssl::context::tls_server};
};

struct TlsClientContext::Impl {
  boost::asio::ssl::context context{boost::asio::ssl::context::tls_client};
};

/// The server must have a certificate for `host`, which is told to it where that may be (SNI).
void expect_name(SSL* ssl, const std::string& host);

}  // namespace latchkey::http
