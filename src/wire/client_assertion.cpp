#include "wire/client_assertion.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "base/encoding.hpp"
#include "base/hash.hpp"
#include "base/time_text.hpp"

namespace latchkey::wire {
namespace {

std::string to_upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return text;
}

boost::json::object header_for(const ClientCertificate& certificate, bool send_chain) {
  const Sha1 thumbprint = sha1(as_text(certificate.chain.front()));
  boost::json::object header;
  header["alg"] = "RS256";
  header["typ"] = "JWT";
  header["x5t"] = to_base64url(thumbprint);
  header["kid"] = to_upper(to_hex(thumbprint));
  if (send_chain) {
    boost::json::array chain;
    for (const Bytes& der : certificate.chain) chain.emplace_back(to_base64(der));
    header["x5c"] = std::move(chain);
  }
  return header;
}

}  // namespace

Secret sign_client_assertion(const AssertionClaims& claims, const ClientCertificate& certificate,
                             bool send_chain) {
  boost::json::object payload;
  payload["aud"] = claims.token_url;
  payload["iss"] = claims.client_id;
  payload["sub"] = claims.client_id;
  payload["jti"] = claims.id;
  payload["nbf"] = to_epoch_seconds(claims.now);
  payload["exp"] = to_epoch_seconds(claims.now + kAssertionLifetime);

  std::string text = to_base64url(boost::json::serialize(header_for(certificate, send_chain))) +
                     "." + to_base64url(boost::json::serialize(payload));
  const Bytes signature = certificate.key.sign(text);
  text += "." + to_base64url(signature);
  return Secret(std::move(text));
}

Secret client_assertion_parameters(const Secret& assertion) {
  return Secret("client_assertion_type=" + percent_encode(kJwtBearerAssertion) +
                "&client_assertion=" + percent_encode(assertion.reveal()));
}

}  // namespace latchkey::wire
