#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "azure/credential.hpp"

namespace latchkey::azure::testing {

/// Gives "token-1" until that is forgotten, then "token-2", ...; or `failure`, where it is set.
class FakeCredential final : public TokenCredential {
 public:
  Task<Result<AccessToken>> get_token(std::string resource) override {
    resources.push_back(std::move(resource));
    if (failure) co_return fail(*failure);
    AccessToken token;
    token.value = Secret("token-" + std::to_string(forgotten.size() + 1));
    token.expires_on = UtcTime::max();
    token.refresh_on = UtcTime::max();
    co_return token;
  }
  void forget(const std::string& resource) override { forgotten.push_back(resource); }
  std::string name() const override { return "FakeCredential"; }

  std::optional<Error> failure;
  std::vector<std::string> resources;  ///< of every get_token
  std::vector<std::string> forgotten;  ///< of every forget
};

}  // namespace latchkey::azure::testing
