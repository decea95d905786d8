#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/clock.hpp"

namespace latchkey::cloud {

/// How much Key Vault serves in any ten seconds, for each vault. Source: "Azure Key Vault service
/// limits".
struct VaultLimits {
  std::int64_t reads = 4'000;  ///< everything that makes no new version
  std::int64_t creates = 300;  ///< set, restore
};

/// Counts what each vault has served, in windows of ten seconds. What is refused does not count, as
/// in Azure. One thread.
class VaultThrottle {
 public:
  enum class Kind : std::uint8_t { read, create };

  VaultThrottle(VaultLimits limits, const Clock& clock) : limits_(limits), clock_(clock) {}

  /// Nullopt: counted, go on. Else how long to wait, whole seconds, at least one.
  std::optional<std::chrono::seconds> refuse(const std::string& vault, Kind kind);

 private:
  static constexpr std::chrono::seconds kWindow{10};
  struct Window {
    SteadyTime start;
    std::int64_t reads = 0;
    std::int64_t creates = 0;
  };

  const VaultLimits limits_;
  const Clock& clock_;
  std::map<std::string, Window> windows_;  ///< as many as there are vaults
};

}  // namespace latchkey::cloud
