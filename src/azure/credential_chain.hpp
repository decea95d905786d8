#pragma once

#include <memory>
#include <string>
#include <vector>

#include "azure/credential.hpp"

namespace latchkey::azure {

/// Tries its members in order; the first that gives a token is kept for good, and its later errors
/// are the chain's own. While none has succeeded, a failure of all is one error: kind denied when a
/// service said no to any of them, else unavailable; the message has a part for each member.
class CredentialChain final : public TokenCredential {
 public:
  explicit CredentialChain(std::vector<std::unique_ptr<TokenCredential>> members);
  Task<Result<AccessToken>> get_token(std::string resource) override;
  void forget(const std::string& resource) override;
  std::string name() const override { return "DefaultAzureCredential"; }

 private:
  std::vector<std::unique_ptr<TokenCredential>> members_;
  TokenCredential* kept_ = nullptr;
};

}  // namespace latchkey::azure
