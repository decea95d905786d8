#pragma once

#include <string>
#include <utility>

#include "azure/key_vault_client.hpp"

namespace latchkey::codes::testing {

/// A vault that holds one secret.
class FakeVault final : public azure::KeyVaultClient {
 public:
  explicit FakeVault(std::string value) : value(std::move(value)) {}

  Task<Result<wire::SecretBundle>> get_secret(std::string, std::string, Trace) override {
    ++reads;
    if (failure) co_return fail(*failure);
    wire::SecretBundle bundle;
    bundle.value = Secret(value);
    co_return bundle;
  }
  Task<Result<wire::SecretBundle>> set_secret(std::string, wire::SetSecretRequest) override {
    co_return fail(ErrorKind::denied, "Forbidden", "not in this test");
  }

  std::string value;
  std::optional<Error> failure;
  int reads = 0;
};

}  // namespace latchkey::codes::testing
