#pragma once

#include <string>

#include "base/random.hpp"
#include "cloud/vault/paging.hpp"
#include "cloud/vault/secret_store.hpp"
#include "cloud/vault/vault_gate.hpp"
#include "http/router.hpp"

namespace latchkey::cloud {

/// Key Vault's secrets on the wire:
///
///   GET /secrets, PUT and DELETE /secrets/{name}
///   GET and PATCH /secrets/{name}/{version}; the version may be absent, empty or "%2F": the newest
///   GET /secrets/{name}/versions, POST /secrets/{name}/backup, POST /secrets/restore
///   GET /deletedsecrets, GET and DELETE /deletedsecrets/{name}
///   POST /deletedsecrets/{name}/recover
///
/// Who may is VaultGate's. Deletion is done when it is answered: pollers find it so at once.
/// Source: REST reference "Secrets", api-version 7.x; any api-version is taken.
class VaultService {
 public:
  /// The references must outlive this object.
  VaultService(VaultGate gate, SecretStore& store, Random& random);
  /// See VaultGate. Before requests come.
  void set_port(std::uint16_t port) { gate_.set_port(port); }
  /// This object must outlive the handler.
  http::Handler handler();

 private:
  /// One call, admitted and permitted. Lives until it is answered.
  struct Call {
    const http::Request& request;
    const http::Match& match;
    VaultVisit visit;
    SecretName secret;    ///< the name is empty where the path has none
    std::string version;  ///< empty: the newest
  };
  using Operation = Task<http::Response> (VaultService::*)(const Call&);

  void add_routes();
  void add(http::Method method, std::string_view path, VaultOperation needs, Operation operation);
  Task<http::Response> answer(const http::Request& request);
  Task<http::Response> run(const http::Request& request, const http::Match& match,
                           VaultOperation needs, bool is_named, Operation operation);

  Task<http::Response> set(const Call& call);
  Task<http::Response> get(const Call& call);
  Task<http::Response> update(const Call& call);
  Task<http::Response> list(const Call& call);
  Task<http::Response> list_versions(const Call& call);
  Task<http::Response> remove(const Call& call);
  Task<http::Response> list_deleted(const Call& call);
  Task<http::Response> get_deleted(const Call& call);
  Task<http::Response> recover(const Call& call);
  Task<http::Response> purge(const Call& call);
  Task<http::Response> backup(const Call& call);
  Task<http::Response> restore(const Call& call);

  VaultGate gate_;
  SecretStore& store_;
  Random& random_;
  http::Router router_;
};

}  // namespace latchkey::cloud
