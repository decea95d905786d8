#pragma once

#include <boost/asio/ssl/context.hpp>

#include "http/tls.hpp"

/// What stands behind the TLS contexts: private to this room, for its server and client.
namespace latchkey::http {

struct TlsServerContext::Impl {
  boost::asio::ssl::context context{boost::asio::ssl::context::tls_server};
};

struct TlsClientContext::Impl {
  boost::asio::ssl::context context{boost::asio::ssl::context::tls_client};
};

}  // namespace latchkey::http
