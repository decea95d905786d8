#include "base/clock.hpp"
#include "base/time_text.hpp"
#include "fuzz/property.hpp"
#include "wire/challenge.hpp"
#include "wire/jwt.hpp"
#include "wire/token_json.hpp"
#include "wire/vault_json.hpp"

/// What token services and vaults answer, and what clients bring them: tokens, key sets,
/// challenges, secrets.
namespace latchkey::wire {
namespace {

void check_token(std::string_view text) {
  static const RsaPrivateKey key = RsaPrivateKey::generate();
  static const RsaPublicKey public_key = key.public_key();
  const auto any_key = [](std::string_view) { return &public_key; };
  fuzz::hold(!verify_token(text, any_key), "nobody guesses a signature");
}

void check_answers(std::string_view json) {
  const UtcTime now = from_epoch_seconds(1'800'000'000);
  if (const auto answer = parse_token(json, now)) {
    fuzz::hold(!answer->access_token.empty(), "no answer without a token");
  }
  if (const auto keys = parse_jwks(json)) {
    for (const auto& key : *keys) (void)key_id_of(key.key);
  }
  (void)parse_openid_configuration(json).has_value();
}

void check_challenge(std::string_view header) {
  const auto challenge = parse_bearer_challenge(header);
  if (!challenge) return;
  fuzz::hold(!challenge->authorization.empty(), "a challenge names who gives tokens");
  (void)challenge->tenant();
}

void check_secrets(std::string_view json) {
  if (const auto bundle = parse_secret_bundle(json)) {
    const auto again = parse_secret_bundle(render_secret_bundle(*bundle));
    fuzz::hold(again.has_value(), "a secret that was read can be written");
    fuzz::hold(again->id == bundle->id && again->tags == bundle->tags, "a secret stays the same");
  }
  if (const auto request = parse_set_secret(json)) {
    fuzz::hold(request->tags.size() <= kSecretTagsMax, "tags have their limit");
    const auto again = parse_set_secret(render_set_secret(*request));
    fuzz::hold(again.has_value(), "a request that was read can be sent");
  }
  (void)parse_secret_page(json).has_value();
}

}  // namespace
}  // namespace latchkey::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace latchkey;
  const std::string_view input = fuzz::text_of(data, size);
  wire::check_token(input);
  wire::check_answers(input);
  wire::check_challenge(input);
  wire::check_secrets(input);
  return 0;
}
