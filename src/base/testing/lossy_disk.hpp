#pragma once

#include <filesystem>
#include <memory>

#include "base/random.hpp"

/// A disk that loses what was not synced when the power goes: what kill -9 cannot show, as the page
/// cache survives it. While one lives, SQLite's files go through it (as SQLite's default file
/// system; one at a time).
namespace latchkey::testing {

class LossyDisk {
 public:
  LossyDisk();
  ~LossyDisk();
  LossyDisk(const LossyDisk&) = delete;
  LossyDisk& operator=(const LossyDisk&) = delete;

  /// Writes to the folder `target` what a power failure at this moment leaves of all files: what
  /// was synced and, of what was not, any of its sectors. May be called while other threads write.
  void lose_power(const std::filesystem::path& target, Random& random) const;
};

}  // namespace latchkey::testing
