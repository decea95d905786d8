#pragma once

#include <string>
#include <vector>

#include "azure/key_vault_client.hpp"
#include "base/clock.hpp"
#include "codes/code_hasher.hpp"

/// Where a CodeHasher's peppers come from: the versions of one Key Vault secret. Setting a new
/// version is all that a rotation takes; code_hasher.hpp says when which one is used.
namespace latchkey::codes {

/// The peppers that a CodeHasher can still need, newest first: the newest enabled version, and
/// older ones until a successor has been in use for longer than any code of theirs can live. Values
/// in `known` are not fetched again. When the vault does not let itself be listed: the newest
/// version, and of `known` what is still needed; after a restart codes that an older one made are
/// then not found.
///
/// A version that is disabled is not used: the codes made with it are refused from then on.
/// Errors: as KeyVaultClient has them; not_found (NoPepper) when no version is enabled.
Task<Result<std::vector<Pepper>>> read_peppers(azure::KeyVaultClient& vault, std::string name,
                                               std::vector<Pepper> known, UtcTime now);

/// Keeps a hasher up to date. One executor.
class PepperSource {
 public:
  /// `peppers`: what the hasher was made of.
  PepperSource(azure::KeyVaultClient& vault, std::string name, std::vector<Pepper> peppers,
               CodeHasher& hasher, Clock& clock);
  /// Reads every CodeHasher::kPepperRefresh until cancelled. A failure changes nothing, and is
  /// logged once until it works again.
  Task<> run();

 private:
  void take(Result<std::vector<Pepper>> peppers);

  azure::KeyVaultClient& vault_;
  const std::string name_;
  std::vector<Pepper> peppers_;
  CodeHasher& hasher_;
  Clock& clock_;
  bool failing_ = false;
};

}  // namespace latchkey::codes
