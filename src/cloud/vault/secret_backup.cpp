#include "cloud/vault/secret_backup.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/text.hpp"
#include "wire/vault_json.hpp"

namespace latchkey::cloud {
namespace {

/// Stands where an answer has the vault's address.
constexpr std::string_view kPrefix = "backup:/secrets/";

std::optional<SecretVersion> parse_version(std::string_view line) {
  auto bundle = wire::parse_secret_bundle(line);
  if (!bundle || !bundle->has_value || !bundle->id.starts_with(kPrefix)) return std::nullopt;
  const auto name_and_version = split(std::string_view(bundle->id).substr(kPrefix.size()), '/');
  if (name_and_version.size() != 2) return std::nullopt;
  SecretVersion version;
  version.name = name_and_version[0];
  version.version = name_and_version[1];
  version.value = std::move(bundle->value);
  version.content_type = std::move(bundle->content_type);
  version.tags = std::move(bundle->tags);
  version.attributes = std::move(bundle->attributes);
  return version;
}

}  // namespace

Secret render_secret_versions(const std::vector<SecretVersion>& versions) {
  std::string text;
  for (const auto& version : versions) {
    text += wire::render_secret_bundle(
        {.value = version.value,
         .has_value = true,
         .id = fmt::format("{}{}/{}", kPrefix, version.name, version.version),
         .content_type = version.content_type,
         .tags = version.tags,
         .attributes = version.attributes});
    text += '\n';
  }
  return Secret(std::move(text));
}

std::optional<std::vector<SecretVersion>> parse_secret_versions(std::string_view text) {
  std::vector<SecretVersion> versions;
  for (const auto line : split(text, '\n')) {
    if (line.empty()) continue;
    auto version = parse_version(line);
    if (!version) return std::nullopt;
    versions.push_back(std::move(*version));
  }
  return versions;
}

}  // namespace latchkey::cloud
