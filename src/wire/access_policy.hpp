#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "wire/storage_error.hpp"

/// Stored access policies of a queue: what a service SAS may refer to instead of saying it, so that
/// it can be taken back. Source: REST reference, "Set Queue ACL", "Define a stored access policy".
namespace latchkey::wire {

/// What is not there must be said by the SAS.
struct AccessPolicy {
  std::optional<UtcTime> start{};
  std::optional<UtcTime> expiry{};
  std::string permissions{};  ///< of "raup"
};
struct SignedIdentifier {
  std::string id;
  AccessPolicy policy{};
};

inline constexpr std::size_t kIdentifiersMax = 5;
inline constexpr std::size_t kIdentifierBytesMax = 64;

/// An empty body is an empty list. Errors: InvalidXmlDocument, MissingRequiredXmlNode,
/// InvalidXmlNodeValue.
Served<std::vector<SignedIdentifier>> parse_signed_identifiers(std::string_view xml);
/// A policy without any field is written as its Id alone.
std::string render_signed_identifiers(const std::vector<SignedIdentifier>& identifiers);

}  // namespace latchkey::wire
