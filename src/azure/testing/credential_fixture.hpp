#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "azure/credential.hpp"
#include "azure/testing/client_fixture.hpp"

namespace latchkey::azure::testing {

inline constexpr const char* kVault = "https://vault.azure.net";
inline constexpr const char* kTenant = "11111111-2222-3333-4444-555555555555";
inline constexpr const char* kTokenBody =
    R"({"access_token":"abc","expires_in":"3600","resource":"r","token_type":"Bearer"})";

inline CredentialSettings client_secret_settings() {
  CredentialSettings settings;
  settings.tenant_id = kTenant;
  settings.client_id = "the-client";
  settings.client_secret = Secret("s3cret&+ =%");
  return settings;
}

inline CredentialSettings app_service_settings() {
  CredentialSettings settings;
  settings.identity_endpoint = "http://127.0.0.1:4141/msi/token";
  settings.identity_header = Secret("header-value");
  return settings;
}

/// What tests of credentials have in common besides: a folder for files.
struct CredentialFixture : ClientFixture {
  CredentialFixture() {
    folder = std::filesystem::temp_directory_path() /
             ("latchkey_credential_test_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
  }
  ~CredentialFixture() override { std::filesystem::remove_all(folder); }

  template <class Credential>
  Result<AccessToken> ask(Credential& credential, const std::string& resource = kVault) {
    return run(credential.get_token(resource));
  }
  /// Every call gets `response`.
  void always(http::Response response) {
    http.answer_with([response](const http::ClientRequest&) { return response; });
  }
  void nobody_answers() {
    http.answer_with([](const http::ClientRequest& request) {
      return Result<http::Response>(
          fail(ErrorKind::timeout, "ConnectTimeout", request.url.authority() + ": no answer"));
    });
  }
  /// The path of a new file with this content.
  std::string file(const std::string& name, const std::string& content) const {
    std::ofstream(folder / name, std::ios::binary) << content;
    return (folder / name).string();
  }
  /// A program of that name which is this shell script.
  void tool(const std::string& name, const std::string& script) const {
    file(name, "#!/bin/sh\n" + script);
    std::filesystem::permissions(folder / name, std::filesystem::perms::owner_all);
  }

  std::filesystem::path folder;
};

}  // namespace latchkey::azure::testing
