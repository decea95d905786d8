#include "cloud/identity/trusted_issuers.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "cloud/identity/credentials.hpp"

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
  auto keys = read_issuer_keys(text);
  if (!keys) {
    return wrong(options, fmt::format("its key file {} cannot be used: {}", options.keys.string(),
                                      keys.error().message));
  }
  return TrustedIssuer{
      .issuer = options.issuer, .audiences = options.audiences, .keys = std::move(*keys)};
}

}  // namespace latchkey::cloud
