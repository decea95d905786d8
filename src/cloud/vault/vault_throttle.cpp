#include "cloud/vault/vault_throttle.hpp"

namespace latchkey::cloud {

std::optional<std::chrono::seconds> VaultThrottle::refuse(const std::string& vault, Kind kind) {
  const auto now = clock_.steady_now();
  Window& window = windows_.try_emplace(vault, Window{.start = now}).first->second;
  if (now - window.start >= kWindow) window = Window{.start = now};
  auto& count = kind == Kind::read ? window.reads : window.creates;
  if (count < (kind == Kind::read ? limits_.reads : limits_.creates)) {
    ++count;
    return std::nullopt;
  }
  return std::chrono::ceil<std::chrono::seconds>(window.start + kWindow - now);
}

}  // namespace latchkey::cloud
