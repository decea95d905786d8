#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "cloud/testing/ask.hpp"
#include "cloud/testing/cloud_store.hpp"
#include "cloud/testing/test_tokens.hpp"
#include "cloud/vault/vault_service.hpp"

namespace latchkey::cloud::testing {

/// The vaults "latchkey" (roles) and "policies" (access policies), asked without sockets by a
/// caller with a good token.
class VaultFixture : public ::testing::Test {
 protected:
  VaultFixture() { open(); }

  /// Reads the database again, as a new process would.
  void open(std::optional<VaultLimits> limits = std::nullopt) {
    service_.reset();
    secrets_.reset();
    store_.restart();
    secrets_ =
        std::make_unique<SecretStore>(store_.second_connection(), *store_.writer, store_.store_key,
                                      store_.clock, store_.random, recoverable_days_);
    VaultGate gate("latchkey", store_.tenancy, *store_.vaults, store_.authenticator, *store_.roles);
    if (limits) gate.use_throttle(VaultThrottle(*limits, store_.clock));
    service_ = std::make_unique<VaultService>(std::move(gate), *secrets_, store_.random);
    service_->set_port(8443);
  }

  void officer() {
    store_.assign(kTestPrincipal, "Key Vault Secrets Officer", store_.tenancy.vault("latchkey"));
  }
  HeaderFields bearer() {
    return {{"Authorization", "Bearer " + test_token("https://vault.azure.net", store_.clock)},
            {"Host", host_}};
  }
  /// api-version is added.
  http::Response send(http::Method method, std::string path, std::string body = {}) {
    const std::string_view mark = path.find('?') == path.npos ? "?" : "&";
    return ask(service_->handler(), method, fmt::format("{}{}api-version=7.4", path, mark),
               bearer(), std::move(body));
  }
  http::Response get(std::string path) { return send(http::Method::get, std::move(path)); }
  http::Response post(std::string path, std::string body = {}) {
    return send(http::Method::post, std::move(path), std::move(body));
  }
  http::Response remove(std::string path) { return send(http::Method::delete_, std::move(path)); }
  http::Response put(std::string name, std::string body) {
    return send(http::Method::put, "/secrets/" + std::move(name), std::move(body));
  }

  CloudStore store_;
  std::string host_ = "latchkey.vault.localhost:8443";
  int recoverable_days_ = 90;
  std::unique_ptr<SecretStore> secrets_;
  std::unique_ptr<VaultService> service_;
};

}  // namespace latchkey::cloud::testing
