#pragma once

#include <cstdint>
#include <string_view>

#include "cloud/management/arm_gate.hpp"
#include "cloud/tenancy.hpp"
#include "cloud/vault/vaults.hpp"
#include "http/router.hpp"

namespace latchkey::cloud {

/// Vaults as Azure Resource Manager serves them, below .../providers/Microsoft.KeyVault:
///
///   GET /vaults (of a subscription or resource group), GET, PUT, PATCH /vaults/{v}
///   PUT /vaults/{v}/accessPolicies/{add|replace|remove}
///   GET /deletedVaults: none, for vaults cannot be deleted here
///
/// For callers who hold Microsoft.KeyVault/vaults/read, write or accessPolicies/write there.
/// Source: REST reference "Key Vault resource provider, Vaults".
class VaultManagement {
 public:
  /// The references must outlive this object.
  VaultManagement(const Tenancy& tenancy, Vaults& vaults, const ArmGate& gate,
                  int recoverable_days);
  /// The port on which vaults are served: stands in their addresses. Before requests come.
  void set_port(std::uint16_t port) { port_ = port; }
  /// This object must outlive the handler.
  http::Handler handler() { return router_.handler(); }
  static bool serves(std::string_view path);

 private:
  using Operation = Task<http::Response> (VaultManagement::*)(const http::Request&,
                                                              const http::Match&);
  void add(http::Method method, std::string_view below, std::string_view action,
           Operation operation);
  Task<http::Response> run(const http::Request& request, const http::Match& match,
                           std::string_view action, Operation operation);
  Task<http::Response> list(const http::Request& request, const http::Match& match);
  Task<http::Response> list_deleted(const http::Request& request, const http::Match& match);
  Task<http::Response> get(const http::Request& request, const http::Match& match);
  Task<http::Response> write(const http::Request& request, const http::Match& match);
  Task<http::Response> change_access(const http::Request& request, const http::Match& match);
  http::Response show(int status, const http::Request& request, const VaultProperties& vault) const;

  const Tenancy tenancy_;
  Vaults& vaults_;
  const ArmGate& gate_;
  const int recoverable_days_;
  std::uint16_t port_ = 0;
  http::Router router_;
};

}  // namespace latchkey::cloud
