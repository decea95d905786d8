#include "cloud/identity/trusted_issuers.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

namespace latchkey::cloud {
namespace {

tl::unexpected<Error> wrong(const TrustedIssuerOptions& options, std::string_view why) {
  return fail(ErrorKind::invalid_argument, "InvalidTrustedIssuer",
              fmt::format("trusted issuer '{}': {}", options.issuer, why));
}

}  // namespace

Result<TrustedIssuer> read_trusted_issuer(const TrustedIssuerOptions& options) {
  if (options.issuer.empty()) return wrong(options, "it needs the issuer as its tokens name it");
  std::ifstream file(options.keys, std::ios::binary);
  if (!file) {
    return wrong(options, fmt::format("its key file {} cannot be read", options.keys.string()));
  }
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  auto keys = wire::parse_jwks(text);
  if (!keys) {
    return wrong(options, fmt::format("its key file {} is no JSON Web Key Set: {}",
                                      options.keys.string(), keys.error().message));
  }
  std::erase_if(*keys, [](const wire::TokenKey& key) { return key.key_id.empty(); });
  if (keys->empty()) {
    return wrong(options, fmt::format("its key file {} holds no RSA key with an id (kid)",
                                      options.keys.string()));
  }
  return TrustedIssuer{
      .issuer = options.issuer, .audiences = options.audiences, .keys = std::move(*keys)};
}

}  // namespace latchkey::cloud
