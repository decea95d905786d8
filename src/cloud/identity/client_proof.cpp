#include "cloud/identity/client_proof.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "cloud/identity/login_hosts.hpp"
#include "wire/client_assertion.hpp"
#include "wire/jwt_assertion.hpp"

namespace latchkey::cloud {
namespace {

constexpr std::int64_t kSkewSeconds = 300;

tl::unexpected<LoginRefusal> refused_client(int code, std::string description) {
  return tl::unexpected(LoginRefusal{401, "invalid_client", code, std::move(description)});
}

/// Whether the header's thumbprint (x5t, x5t#S256, or kid in hex) is this certificate's; a header
/// without one, or a key without certificate, fits.
bool fits(const wire::Assertion& assertion, const PublicKeyFile& file) {
  if (file.sha1.empty()) return true;
  if (!assertion.sha256_thumbprint.empty()) return assertion.sha256_thumbprint == file.sha256;
  if (!assertion.sha1_thumbprint.empty()) return assertion.sha1_thumbprint == file.sha1;
  return assertion.key_id.empty() || iequals(assertion.key_id, to_hex(file.sha1));
}

std::string shown_thumbprint(const wire::Assertion& assertion) {
  if (!assertion.sha1_thumbprint.empty()) return to_hex(assertion.sha1_thumbprint);
  if (!assertion.sha256_thumbprint.empty()) return to_hex(assertion.sha256_thumbprint);
  return "(none)";
}

/// Some key of the issuer has signed it.
bool is_signed(const wire::Assertion& assertion, const FederatedCredential& federated,
               const Authenticator& authenticator) {
  const auto by = [&](const RsaPublicKey& key) { return wire::is_signed_by(assertion, key); };
  if (federated.keys.empty()) {
    return std::ranges::any_of(authenticator.keys_of(assertion.issuer, assertion.key_id), by);
  }
  const auto keys = read_issuer_keys(federated.keys);
  return keys && std::ranges::any_of(*keys, [&](const wire::TokenKey& key) {
           return (key.key_id.empty() || key.key_id == assertion.key_id) && by(key.key);
         });
}

/// The issuer may be written with or without a slash at the end.
bool same_issuer(std::string_view a, std::string_view b) {
  if (a.ends_with('/')) a.remove_suffix(1);
  if (b.ends_with('/')) b.remove_suffix(1);
  return a == b;
}

}  // namespace

ClientProof::ClientProof(const Tenancy& tenancy, const Identities& identities,
                         const Authenticator& authenticator, const Clock& clock)
    : tenancy_(tenancy), identities_(identities), authenticator_(authenticator), clock_(clock) {}

tl::expected<const Identity*, LoginRefusal> ClientProof::check(
    const ClientCredentials& credentials) const {
  const auto* identity = identities_.by_client_id(credentials.client_id);
  if (identity == nullptr) {
    return tl::unexpected(LoginRefusal{
        400, "unauthorized_client", 700016,
        fmt::format("Application with identifier '{}' was not found in the directory '{}'. Check "
                    "AZURE_CLIENT_ID and AZURE_TENANT_ID (latchkey identity list shows what is "
                    "there).",
                    credentials.client_id, tenancy_.tenant_id)});
  }
  const auto verdict = credentials.assertion.empty()
                           ? check_secret(*identity, credentials.client_secret)
                           : check_assertion(*identity, credentials);
  if (!verdict) return tl::unexpected(verdict.error());
  return identity;
}

ClientProof::Verdict ClientProof::check_secret(const Identity& identity,
                                               const Secret& secret) const {
  if (secret.empty()) {
    return refused_client(7000216,
                          "'client_assertion' or 'client_secret' is required for the "
                          "'client_credentials' grant type.");
  }
  const Sha256 digest = sha256(secret.reveal());
  for (const Credential& credential : identity.credentials) {
    const auto* known = std::get_if<SecretCredential>(&credential.content);
    if (known == nullptr || known->digest != digest) continue;
    if (!has_ended(credential)) return {};
    return refused_client(7000222,
                          fmt::format("The provided client secret keys for app '{}' are expired. "
                                      "Make a new one: latchkey identity credential add {} "
                                      "--secret",
                                      identity.client_id, identity.name));
  }
  return refused_client(
      7000215, fmt::format("Invalid client secret provided. Ensure the secret being sent in the "
                           "request is the client secret value, not the client secret ID, for a "
                           "secret added to app '{}'.",
                           identity.client_id));
}

ClientProof::Verdict ClientProof::check_assertion(const Identity& identity,
                                                  const ClientCredentials& credentials) const {
  if (credentials.assertion_type != wire::kJwtBearerAssertion) {
    return tl::unexpected(LoginRefusal{
        400, "invalid_request", 90023,
        fmt::format("'client_assertion_type' must be {}.", wire::kJwtBearerAssertion)});
  }
  const auto assertion = wire::read_assertion(trim(credentials.assertion));
  if (!assertion) {
    return refused_client(50027,
                          "JWT token is invalid or malformed: " + assertion.error().message + ".");
  }
  // What a client signs itself names it twice; what somebody else issued for it, never.
  return iequals(assertion->issuer, identity.client_id) ? check_certificate(identity, *assertion)
                                                        : check_federated(identity, *assertion);
}

ClientProof::Verdict ClientProof::check_certificate(const Identity& identity,
                                                    const wire::Assertion& assertion) const {
  if (!iequals(assertion.subject, identity.client_id)) {
    return refused_client(700021,
                          "Client assertion application identifier doesn't match 'client_id' "
                          "parameter. Review the documentation of certificate credentials.");
  }
  std::string_view reason = "The key was not found.";
  bool proven = false;
  for (const Credential& credential : identity.credentials) {
    const auto* known = std::get_if<CertificateCredential>(&credential.content);
    if (known == nullptr || !fits(assertion, known->file)) continue;
    reason = "Client assertion failed signature validation.";
    if (!wire::is_signed_by(assertion, known->file.key)) continue;
    reason = "The key used is expired.";
    proven = proven || !has_ended(credential);
  }
  if (!proven) {
    return refused_client(700027,
                          fmt::format("The certificate with identifier used to sign the client "
                                      "assertion is not registered on application. [Reason - {}, "
                                      "Thumbprint of key used by client: '{}']",
                                      reason, shown_thumbprint(assertion)));
  }
  if (auto in_time = check_times(assertion); !in_time) return in_time;
  const bool for_us = std::ranges::any_of(assertion.audiences, [this](const auto& audience) {
    return is_login_audience(audience, tenancy_, port_);
  });
  if (!for_us) {
    return refused_client(700023,
                          "Client assertion audience claim does not match Realm issuer: it must "
                          "be the address of the token endpoint.");
  }
  return {};
}

ClientProof::Verdict ClientProof::check_federated(const Identity& identity,
                                                  const wire::Assertion& assertion) const {
  int closest = 700211;  // no such issuer, subject, audience: the furthest that a record came
  std::string missing = fmt::format("issuer '{}'", assertion.issuer);
  for (const Credential& credential : identity.credentials) {
    const auto* known = std::get_if<FederatedCredential>(&credential.content);
    if (known == nullptr || !same_issuer(known->issuer, assertion.issuer)) continue;
    if (known->subject != assertion.subject) {
      if (closest == 700211) missing = fmt::format("subject '{}'", assertion.subject);
      if (closest == 700211) closest = 700213;
      continue;
    }
    if (std::ranges::find(assertion.audiences, known->audience) == assertion.audiences.end()) {
      closest = 700212;
      missing = fmt::format("audience '{}'",
                            assertion.audiences.empty() ? "" : assertion.audiences.front());
      continue;
    }
    if (!is_signed(assertion, *known, authenticator_)) {
      return refused_client(50013,
                            fmt::format("Assertion failed signature validation. [Reason - The key "
                                        "was not found among those of issuer '{}', key id '{}']",
                                        assertion.issuer, assertion.key_id));
    }
    return check_times(assertion);
  }
  return refused_client(closest,
                        fmt::format("No matching federated identity record found for presented "
                                    "assertion {}. Check your federated identity credential.",
                                    missing));
}

ClientProof::Verdict ClientProof::check_times(const wire::Assertion& assertion) const {
  const std::int64_t now = to_epoch_seconds(clock_.now());
  if (now < assertion.expires_at + kSkewSeconds && now >= assertion.not_before - kSkewSeconds) {
    return {};
  }
  return refused_client(
      700024, fmt::format("Client assertion is not within its valid time range. Current time: {}, "
                          "assertion valid from {}, expiry time of assertion {} (epoch seconds).",
                          now, assertion.not_before, assertion.expires_at));
}

bool ClientProof::has_ended(const Credential& credential) const {
  return credential.ends_at != 0 && to_epoch_seconds(clock_.now()) >= credential.ends_at;
}

}  // namespace latchkey::cloud
