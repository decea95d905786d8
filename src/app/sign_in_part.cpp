#include "app/sign_in_part.hpp"

#include "app/setting_reader.hpp"
#include "service/sign_in/outbox.hpp"
#include "service/sign_in/webhook.hpp"

namespace latchkey::app {

namespace sign_in = service::sign_in;

Result<std::unique_ptr<SignInPart>> SignInPart::start(const SignInSettings& settings, Parts parts,
                                                      http::Router& router, World world) {
  std::unique_ptr<SignInPart> part(new SignInPart);
  part->users_ = std::make_unique<sign_in::UserStore>(settings.users);
  if (settings.webhook_url.empty()) {
    part->delivery_ = std::make_unique<sign_in::OutboxDelivery>(settings.outbox);
  } else {
    sign_in::WebhookOptions webhook;
    webhook.url = http::parse_url(settings.webhook_url).value();
    if (!settings.webhook_secret_name.empty()) {
      part->webhook_secret_ = std::make_unique<azure::CachedSecret>(
          parts.azure.vault(), settings.webhook_secret_name, world.clock, world.executor);
      webhook.authorization = [secret = part->webhook_secret_.get()] { return secret->get(); };
    }
    part->delivery_ =
        std::make_unique<sign_in::WebhookDelivery>(parts.azure.http("webhook"), std::move(webhook));
  }
  sign_in::SignInOptions options;
  options.app_service_authentication = settings.behind_app_service_authentication;
  options.behind_proxy = settings.on_app_service;
  options.public_url = settings.public_url;
  part->pages_ =
      std::make_unique<sign_in::SignIn>(sign_in::SignIn::Dependencies{.issuer = parts.issuer,
                                                                      .verifier = parts.verifier,
                                                                      .directory = parts.directory,
                                                                      .hasher = parts.hasher,
                                                                      .audit = parts.audit,
                                                                      .users = *part->users_,
                                                                      .delivery = *part->delivery_,
                                                                      .clock = world.clock,
                                                                      .random = world.random,
                                                                      .executor = world.executor},
                                        std::move(options));
  part->pages_->add_routes(router);
  return part;
}

Task<> SignInPart::stop() {
  co_await pages_->finish();
}

}  // namespace latchkey::app
