#pragma once

#include <memory>
#include <string>
#include <vector>

#include "azure/credential.hpp"

namespace latchkey::azure {

/// Tries its members in order; the first that gives a token is kept for good, and its later errors
/// are the chain's own.
///
/// A member that is meant to be used and is refused ends the walk, as in most SDKs: a wrong secret
/// must not let the process go on under another identity. While none has succeeded, a failure is
/// one error: kind denied when a service said no to any member, else unavailable; the message has a
/// line for each member.
class CredentialChain final : public TokenCredential {
 public:
  struct Member {
    std::unique_ptr<TokenCredential> credential;
    bool refusal_ends_walk = false;
  };

  explicit CredentialChain(std::vector<Member> members);
  Task<Result<AccessToken>> get_token(std::string resource) override;
  void forget(const std::string& resource) override;
  /// The kept member's, once there is one.
  std::string name() const override;
  std::string passed_over() const override { return passed_over_; }

 private:
  std::vector<Member> members_;
  TokenCredential* kept_ = nullptr;
  std::string passed_over_;
};

}  // namespace latchkey::azure
