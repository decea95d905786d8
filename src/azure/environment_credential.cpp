#include "azure/environment_credential.hpp"

#include <utility>
#include <vector>

#include "azure/small_file.hpp"
#include "base/client_certificate.hpp"
#include "base/encoding.hpp"
#include "wire/client_assertion.hpp"

namespace latchkey::azure {
namespace {
constexpr std::size_t kCertificateFileBytesMax = std::size_t{256} * 1024;
}  // namespace

EnvironmentCredential::EnvironmentCredential(CredentialSettings settings, http::HttpClient& http,
                                             Clock& clock, Random& random)
    : settings_(std::move(settings)),
      grant_(settings_, http, clock, random),
      clock_(clock),
      random_(random) {}

std::string EnvironmentCredential::problem() const {
  std::vector<std::string_view> missing;
  if (settings_.tenant_id.empty()) missing.emplace_back("AZURE_TENANT_ID");
  if (settings_.client_id.empty()) missing.emplace_back("AZURE_CLIENT_ID");
  if (settings_.client_secret.empty() && settings_.certificate_file.empty()) {
    missing.emplace_back("AZURE_CLIENT_SECRET (or AZURE_CLIENT_CERTIFICATE_PATH)");
  }
  return missing.empty() ? grant_.problem() : not_set(missing);
}

Task<Result<AccessToken>> EnvironmentCredential::get_token(std::string resource) {
  const std::string wrong = problem();
  if (!wrong.empty()) co_return fail(ErrorKind::unavailable, "CredentialUnavailable", wrong);
  auto proof = prove();
  if (!proof) co_return fail(std::move(proof.error()));
  co_return co_await grant_.ask(std::move(resource), std::move(*proof));
}

Result<Secret> EnvironmentCredential::prove() const {
  if (settings_.client_secret.empty()) return assertion();
  return Secret("client_secret=" + percent_encode(settings_.client_secret.reveal()));
}

Result<Secret> EnvironmentCredential::assertion() const {
  constexpr std::string_view kName = "AZURE_CLIENT_CERTIFICATE_PATH";
  const auto file = read_small_file(kName, settings_.certificate_file, kCertificateFileBytesMax);
  if (!file) return fail(file.error());
  const auto certificate = read_client_certificate(file->reveal());
  if (!certificate) {
    return fail(ErrorKind::unavailable, "CredentialUnavailable",
                std::string(kName) + " (" + settings_.certificate_file +
                    "): " + certificate.error().message);
  }
  const wire::AssertionClaims claims{.token_url = grant_.token_url(),
                                     .client_id = settings_.client_id,
                                     .id = random_.uuid(),
                                     .now = clock_.now()};
  return wire::client_assertion_parameters(
      wire::sign_client_assertion(claims, *certificate, settings_.send_certificate_chain));
}

}  // namespace latchkey::azure
