#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "cloud/identity/identities.hpp"
#include "cloud/identity/signing_keys.hpp"
#include "cloud/management/arm_gate.hpp"
#include "cloud/tenancy.hpp"
#include "http/router.hpp"

namespace latchkey::cloud {

/// Identities as resources. In Azure's form, below /subscriptions/{s}/resourceGroups/{g}/providers:
///
///   PUT, GET, DELETE /Microsoft.ManagedIdentity/userAssignedIdentities/{name}; GET without name
///   PUT, GET, DELETE .../{name}/federatedIdentityCredentials/{credential}; GET without name
///
/// and in our own, for what Azure has elsewhere (App Service, Microsoft Graph) or nowhere:
///
///   GET /Latchkey.Identity/identities                      all, with their credentials
///   PUT, GET, DELETE .../{name}                            {"properties":{"kind":"userAssigned"}}
///   POST .../{name}/listHeader                             {"identityHeader":...}
///   POST .../{name}/credentials                            {"properties":{"kind":"secret"}} gives
///                                                          {"secretText":...}, once
///   DELETE .../{name}/credentials/{id}
///   PUT, DELETE .../{name}/attached/{user-assigned}
///   POST /Latchkey.Identity/rotateSigningKey
///
/// Source: REST references "User Assigned Identities", "Federated Identity Credentials"; any
/// api-version is taken.
class IdentityService {
 public:
  /// `keep_key` keeps a new signing key where the next start finds it. The references must outlive
  /// this object.
  IdentityService(const Tenancy& tenancy, Identities& identities, SigningKeys& keys,
                  SigningKeys::Keep keep_key, const ArmGate& gate, const Clock& clock);
  /// This object must outlive the handler.
  http::Handler handler() const { return router_.handler(); }
  /// Whether the path of a request is one for this service.
  static bool serves(std::string_view path);

 private:
  using Answer = Task<http::Response>;
  using Method = Answer (IdentityService::*)(const http::Request&, const http::Match&);
  struct Route;

  void add_routes();
  Answer put_user_assigned(const http::Request& request, const http::Match& match);
  Answer get_user_assigned(const http::Request& request, const http::Match& match);
  Answer list_user_assigned(const http::Request& request, const http::Match& match);
  Answer remove(const http::Request& request, const http::Match& match);
  Answer put_federated(const http::Request& request, const http::Match& match);
  Answer get_federated(const http::Request& request, const http::Match& match);
  Answer list_federated(const http::Request& request, const http::Match& match);
  Answer remove_federated(const http::Request& request, const http::Match& match);
  Answer put(const http::Request& request, const http::Match& match);
  Answer get(const http::Request& request, const http::Match& match);
  Answer list(const http::Request& request, const http::Match& match);
  Answer list_header(const http::Request& request, const http::Match& match);
  Answer add_credential(const http::Request& request, const http::Match& match);
  Answer remove_credential(const http::Request& request, const http::Match& match);
  Answer attach(const http::Request& request, const http::Match& match);
  Answer detach(const http::Request& request, const http::Match& match);
  Answer rotate(const http::Request& request, const http::Match& match);

  Answer create(std::string name, IdentityKind kind, bool in_azures_form);
  const Identity* user_assigned(std::string_view name) const;

  const Tenancy tenancy_;
  Identities& identities_;
  SigningKeys& keys_;
  const SigningKeys::Keep keep_key_;
  const ArmGate& gate_;
  const Clock& clock_;
  http::Router router_;
};

}  // namespace latchkey::cloud
