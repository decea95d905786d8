#include "cloud/management/identity_json.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "base/encoding.hpp"
#include "base/time_text.hpp"

namespace latchkey::cloud {
namespace {

namespace json = boost::json;

constexpr std::size_t kTextMax = 600;  // Azure's limit for issuer and subject
constexpr std::size_t kKeysMax = 64 * 1024;

tl::unexpected<Error> wrong(std::string message) {
  return fail(ErrorKind::invalid_argument, "InvalidRequestContent", std::move(message));
}

std::string local_id(const Tenancy& tenancy, std::string_view name) {
  return fmt::format("{}/providers/Latchkey.Identity/identities/{}", tenancy.resource_group_scope(),
                     name);
}

json::object ids_of(const Identity& identity, const Tenancy& tenancy) {
  return {{"tenantId", tenancy.tenant_id},
          {"principalId", identity.object_id},
          {"clientId", identity.client_id}};
}

}  // namespace

std::string user_assigned_id(const Tenancy& tenancy, std::string_view name) {
  return fmt::format("{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{}",
                     tenancy.resource_group_scope(), name);
}

json::object user_assigned_json(const Identity& identity, const Tenancy& tenancy) {
  return {{"id", user_assigned_id(tenancy, identity.name)},
          {"name", identity.name},
          {"type", "Microsoft.ManagedIdentity/userAssignedIdentities"},
          {"location", "local"},
          {"tags", json::object{}},
          {"properties", ids_of(identity, tenancy)}};
}

json::object federated_json(const Credential& credential, const Identity& identity,
                            const Tenancy& tenancy) {
  const auto& federated = std::get<FederatedCredential>(credential.content);
  return {
      {"id", fmt::format("{}/federatedIdentityCredentials/{}",
                         user_assigned_id(tenancy, identity.name), credential.name)},
      {"name", credential.name},
      {"type", "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"},
      {"properties", json::object{{"issuer", federated.issuer},
                                  {"subject", federated.subject},
                                  {"audiences", json::array{json::string(federated.audience)}}}}};
}

json::object credential_json(const Credential& credential) {
  json::object made{{"id", credential.id},
                    {"kind", credential.kind()},
                    {"name", credential.name},
                    {"madeOn", to_iso8601(from_epoch_seconds(credential.made_at))}};
  if (credential.ends_at != 0) {
    made["endsOn"] = to_iso8601(from_epoch_seconds(credential.ends_at));
  }
  if (const auto* secret = std::get_if<SecretCredential>(&credential.content)) {
    made["hint"] = secret->hint;
  } else if (const auto* known = std::get_if<CertificateCredential>(&credential.content)) {
    made["thumbprint"] = to_hex(known->file.sha1);
  } else {
    const auto& federated = std::get<FederatedCredential>(credential.content);
    made["issuer"] = federated.issuer;
    made["subject"] = federated.subject;
    made["audience"] = federated.audience;
  }
  return made;
}

json::object identity_json(const Identity& identity, const Identities& all,
                           const Tenancy& tenancy) {
  auto properties = ids_of(identity, tenancy);
  properties["kind"] = to_string(identity.kind);
  json::array credentials;
  for (const auto& credential : identity.credentials) {
    credentials.push_back(credential_json(credential));
  }
  json::array attached;
  for (const auto& id : identity.attached) {
    const auto* used = all.by_object_id(id);
    if (used != nullptr) attached.push_back(json::string(used->name));
  }
  properties["credentials"] = std::move(credentials);
  properties["attached"] = std::move(attached);
  return {{"id", local_id(tenancy, identity.name)},
          {"name", identity.name},
          {"type", "Latchkey.Identity/identities"},
          {"properties", std::move(properties)}};
}

std::optional<json::object> parse_properties(std::string_view body) {
  boost::system::error_code problem;
  auto value = json::parse(body, problem);
  if (problem || !value.is_object()) return std::nullopt;
  auto* properties = value.as_object().if_contains("properties");
  if (properties == nullptr || !properties->is_object()) return std::nullopt;
  return std::move(properties->as_object());
}

std::string text_member(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

Result<FederatedCredential> parse_federated(const json::object& properties) {
  FederatedCredential read{.issuer = text_member(properties, "issuer"),
                           .subject = text_member(properties, "subject")};
  if (read.issuer.empty() || read.subject.empty() || read.issuer.size() > kTextMax ||
      read.subject.size() > kTextMax) {
    return wrong("a federated credential needs issuer and subject, 600 characters at most");
  }
  const auto* audiences = properties.if_contains("audiences");
  if (audiences == nullptr) return read;
  if (!audiences->is_array() || audiences->as_array().size() != 1 ||
      !audiences->as_array().front().is_string()) {
    return wrong("audiences must be a list with one text");
  }
  read.audience = std::string_view(audiences->as_array().front().as_string());
  return read;
}

Result<Credential> parse_credential(const json::object& properties) {
  Credential read{.id = {}, .name = text_member(properties, "name"), .content = {}};
  if (text_member(properties, "kind") == "certificate") {
    auto file = read_public_key_file(text_member(properties, "pem"));
    if (!file) {
      return wrong("pem must be a certificate or public key (RSA, 2048 bits or more) in PEM form");
    }
    read.ends_at = file->not_after;
    read.content = CertificateCredential{.file = std::move(*file)};
    return read;
  }
  auto federated = parse_federated(properties);
  if (!federated) return fail(federated.error());
  federated->keys = text_member(properties, "keys");
  if (!federated->keys.empty()) {
    if (federated->keys.size() > kKeysMax) return wrong("keys is too long");
    if (auto keys = read_issuer_keys(federated->keys); !keys) return wrong(keys.error().message);
  }
  read.content = std::move(*federated);
  return read;
}

}  // namespace latchkey::cloud
