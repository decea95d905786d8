#include "http/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/buffer.hpp>

#include "http/connector.hpp"
#include "http/tls_impl.hpp"

namespace latchkey::http {
namespace asio = boost::asio;
namespace {

constexpr unsigned char kHttp11Protocol[] = "\x08http/1.1";

/// ALPN (RFC 7301): answers http/1.1 when the client offers it, and otherwise nothing at all, so
/// that a client which offers only "h2" but can do without is not turned away.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned int offered_size, void*) {
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, chosen_size, kHttp11Protocol, sizeof(kHttp11Protocol) - 1,
                            offered, offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

void set_common_options(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // Thousands of idle connections would each keep 34 KB of buffers otherwise.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
}

tl::unexpected<Error> refuse(std::string what, const boost::system::error_code& cause) {
  return fail(ErrorKind::invalid_argument, "InvalidCertificate",
              std::move(what) + ": " + cause.message());
}

}  // namespace

Result<TlsServerContext> TlsServerContext::from_pem(std::string_view chain_pem,
                                                    const Secret& key_pem) {
  TlsServerContext made;
  made.impl = std::make_shared<Impl>();
  auto& context = made.impl->context;
  SSL_CTX* const native = context.native_handle();
  set_common_options(native);
  SSL_CTX_set_options(native, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_alpn_select_cb(native, choose_protocol, nullptr);
  // Resumption is by tickets: they need no memory here, so nothing has to be limited.
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);

  boost::system::error_code error;
  context.use_certificate_chain(asio::buffer(chain_pem), error);
  if (error) return refuse("the certificate chain cannot be read as PEM", error);
  const auto key = key_pem.reveal();
  // Without this OpenSSL asks the terminal for an encrypted key's password.
  context.set_password_callback([](std::size_t, auto) { return std::string(); });
  context.use_private_key(asio::buffer(key), asio::ssl::context::pem, error);
  if (error) return refuse("the private key cannot be read as PEM or is another's", error);
  // A key of another type than the certificate's has its own slot and is found out only here.
  if (SSL_CTX_check_private_key(native) != 1) {
    ERR_clear_error();
    return fail(ErrorKind::invalid_argument, "InvalidCertificate",
                "the private key does not belong to the certificate");
  }
  return made;
}

Result<TlsClientContext> TlsClientContext::system_trust(std::string_view extra_ca_pem) {
  TlsClientContext made;
  made.impl = std::make_shared<Impl>();
  auto& context = made.impl->context;
  SSL_CTX* const native = context.native_handle();
  set_common_options(native);
  SSL_CTX_set_alpn_protos(native, kHttp11Protocol, sizeof(kHttp11Protocol) - 1);
  context.set_verify_mode(asio::ssl::verify_peer);

  boost::system::error_code error;
  context.set_default_verify_paths(error);
  if (error) return refuse("the system's trusted authorities cannot be read", error);
  if (!extra_ca_pem.empty()) {
    context.add_certificate_authority(asio::buffer(extra_ca_pem), error);
    if (error) return refuse("the extra authority cannot be read as PEM", error);
  }
  ERR_clear_error();
  return made;
}

void expect_name(SSL* ssl, const std::string& host) {
  X509_VERIFY_PARAM* const rules = SSL_get0_param(ssl);
  if (is_ip_address(host)) {  // No SNI: RFC 6066 section 3 allows names only.
    X509_VERIFY_PARAM_set1_ip_asc(rules, host.c_str());
    return;
  }
  std::string name = host;
  if (name.ends_with('.')) name.pop_back();
  X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  X509_VERIFY_PARAM_set1_host(rules, name.data(), name.size());
  SSL_set_tlsext_host_name(ssl, name.c_str());
}

}  // namespace latchkey::http
