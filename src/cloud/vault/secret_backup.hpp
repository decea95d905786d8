#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/secret.hpp"
#include "cloud/vault/secret_rows.hpp"

/// What stands, sealed, in a backup of a secret: one line of JSON for each version, oldest first,
/// in the form that the vault's answers have. Azure's own form is not documented, and nobody but
/// the vault reads it.
namespace latchkey::cloud {

Secret render_secret_versions(const std::vector<SecretVersion>& versions);
/// Without number and vault. Nullopt when the text is none of ours.
std::optional<std::vector<SecretVersion>> parse_secret_versions(std::string_view text);

}  // namespace latchkey::cloud
