#pragma once

#include <memory>

#include "app/azure_access.hpp"
#include "app/protection_settings.hpp"
#include "service/sign_in/sign_in.hpp"

namespace latchkey::app {

/// The sign-in pages, wired from settings.
class SignInPart {
 public:
  /// What the API already has; all must outlive this.
  struct Parts {
    codes::Issuer& issuer;
    codes::Verifier& verifier;
    codes::CodeDirectory& directory;
    const codes::CodeHasher& hasher;
    codes::Audit& audit;
    AzureAccess& azure;
  };
  /// Adds the pages to `router`. Error: invalid_argument for settings that cannot work.
  static Result<std::unique_ptr<SignInPart>> start(const SignInSettings& settings, Parts parts,
                                                   http::Router& router, World world);
  /// Lets codes that are on their way leave.
  Task<> stop();

 private:
  SignInPart() = default;
  std::unique_ptr<azure::CachedSecret> webhook_secret_;
  std::unique_ptr<service::sign_in::UserStore> users_;
  std::unique_ptr<service::sign_in::Delivery> delivery_;
  std::unique_ptr<service::sign_in::SignIn> pages_;
};

}  // namespace latchkey::app
