#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

/// Azure Arc's proof that a process may use the machine's identity: it can read a file. What the
/// file is the endpoint says, so whoever answers in its place could ask for any file; hence the
/// rules here. Source: "Authenticate against Azure resources with Azure Arc-enabled servers".
namespace latchkey::azure {

inline constexpr std::size_t kArcKeyBytesMax = 4096;

/// The content of the file that the challenge "Basic realm=FILE" names. It must stand directly in
/// `folder`, end in .key and have at most kArcKeyBytesMax bytes that fit into a header.
/// Errors: unavailable, code "CredentialUnavailable"; none shows more of the challenge than a path.
Result<Secret> read_arc_key(std::string_view challenge, const std::string& folder);

}  // namespace latchkey::azure
