#include "wire/access_policy.hpp"

#include <algorithm>

#include "base/time_text.hpp"
#include "wire/xml_fields.hpp"
#include "wire/xml_writer.hpp"

namespace latchkey::wire {
namespace {
using xml::append_element;
using xml::Fields;

constexpr std::string_view kPermissions = "raup";

/// Some clients write an empty element where others write none.
std::optional<UtcTime> read_time(Fields& fields, const char* name) {
  const auto text = fields.optional_text(name);
  if (!text || text->empty()) return std::nullopt;
  const auto time = from_iso8601(*text);
  if (!time) fields.refuse(name, *text, "must be an ISO 8601 time");
  return time;
}

/// In the order in which the service shows them.
std::string read_permissions(Fields& fields) {
  const std::string given = fields.optional_text("Permission").value_or("");
  if (given.find_first_not_of(kPermissions) != std::string::npos) {
    fields.refuse("Permission", given, "must be letters of raup");
  }
  std::string permissions(kPermissions);
  std::erase_if(permissions, [&given](char c) { return given.find(c) == std::string::npos; });
  return permissions;
}

SignedIdentifier read_identifier(Fields& fields) {
  SignedIdentifier identifier{.id = fields.text("Id")};
  if (identifier.id.empty() || identifier.id.size() > kIdentifierBytesMax) {
    fields.refuse("Id", identifier.id, "must have 1 to 64 characters");
  }
  if (auto policy = fields.optional_child("AccessPolicy")) {
    identifier.policy = {.start = read_time(*policy, "Start"),
                         .expiry = read_time(*policy, "Expiry"),
                         .permissions = read_permissions(*policy)};
    fields.take_error(*policy);
  }
  return identifier;
}

}  // namespace

Served<std::vector<SignedIdentifier>> parse_signed_identifiers(std::string_view text) {
  if (text.empty()) return std::vector<SignedIdentifier>{};
  pugi::xml_document document;
  auto root = Fields::load(document, text, "SignedIdentifiers");
  if (!root) return refuse(std::move(root.error()));
  std::vector<SignedIdentifier> identifiers;
  for (const pugi::xml_node& node : root->node().children("SignedIdentifier")) {
    Fields fields = root->of(node);
    auto identifier = read_identifier(fields);
    root->take_error(fields);
    const bool twice =
        std::any_of(identifiers.begin(), identifiers.end(),
                    [&identifier](const auto& other) { return other.id == identifier.id; });
    if (twice) root->refuse("Id", identifier.id, "stands twice");
    if (identifiers.size() == kIdentifiersMax) {
      root->refuse("SignedIdentifiers", "", "has more than five policies");
    }
    if (root->error()) return refuse(*root->error());
    identifiers.push_back(std::move(identifier));
  }
  return identifiers;
}

std::string render_signed_identifiers(const std::vector<SignedIdentifier>& identifiers) {
  std::string out(xml::kHead);
  if (identifiers.empty()) return out += "<SignedIdentifiers />";
  out += "<SignedIdentifiers>";
  for (const auto& [id, policy] : identifiers) {
    out += "<SignedIdentifier>";
    append_element(out, "Id", id);
    if (policy.start || policy.expiry || !policy.permissions.empty()) {
      out += "<AccessPolicy>";
      if (policy.start) append_element(out, "Start", to_iso8601(*policy.start));
      if (policy.expiry) append_element(out, "Expiry", to_iso8601(*policy.expiry));
      if (!policy.permissions.empty()) append_element(out, "Permission", policy.permissions);
      out += "</AccessPolicy>";
    }
    out += "</SignedIdentifier>";
  }
  return out += "</SignedIdentifiers>";
}

}  // namespace latchkey::wire
