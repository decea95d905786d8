#pragma once

#include <filesystem>

#include "base/result.hpp"

namespace latchkey::app {

/// Puts `bundle` over the system's file of certificate authorities, for this process and what it
/// executes only: for programs that read no other file (libcurl, and Azure's C++ SDK with it).
/// Works without root, by a user namespace with a mount namespace inside (user_namespaces(7)); who
/// one is stays the same. To be called with one thread left, just before exec.
/// Error: unavailable, with what to do, where the system does not allow it.
Result<> enter_private_trust(const std::filesystem::path& bundle);

}  // namespace latchkey::app
