#include "wire/sas.hpp"

#include <array>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "wire/shared_key.hpp"

namespace latchkey::wire {
namespace {

/// From this version on the account SAS signs the encryption scope, even when there is none.
constexpr std::string_view kEncryptionScopeVersion = "2020-12-06";

struct Field {
  std::string_view key;
  std::string& (*in)(Sas&);
};
/// In the order in which Azure's own tools write them; the signature comes last.
constexpr std::array<Field, 19> kFields = {{
    {"sv", [](Sas& sas) -> std::string& { return sas.version; }},
    {"ss", [](Sas& sas) -> std::string& { return sas.services; }},
    {"srt", [](Sas& sas) -> std::string& { return sas.resources; }},
    {"sp", [](Sas& sas) -> std::string& { return sas.permissions; }},
    {"st", [](Sas& sas) -> std::string& { return sas.start; }},
    {"se", [](Sas& sas) -> std::string& { return sas.expiry; }},
    {"sip", [](Sas& sas) -> std::string& { return sas.ip; }},
    {"spr", [](Sas& sas) -> std::string& { return sas.protocol; }},
    {"si", [](Sas& sas) -> std::string& { return sas.identifier; }},
    {"ses", [](Sas& sas) -> std::string& { return sas.encryption_scope; }},
    {"skoid", [](Sas& sas) -> std::string& { return sas.delegation.object_id; }},
    {"sktid", [](Sas& sas) -> std::string& { return sas.delegation.tenant_id; }},
    {"skt", [](Sas& sas) -> std::string& { return sas.delegation.start; }},
    {"ske", [](Sas& sas) -> std::string& { return sas.delegation.expiry; }},
    {"sks", [](Sas& sas) -> std::string& { return sas.delegation.service; }},
    {"skv", [](Sas& sas) -> std::string& { return sas.delegation.version; }},
    {"skdutid", [](Sas& sas) -> std::string& { return sas.delegation.delegated_tenant_id; }},
    {"sduoid", [](Sas& sas) -> std::string& { return sas.delegated_object_id; }},
    {"sig", [](Sas& sas) -> std::string& { return sas.signature; }},
}};

std::string render(Sas sas) {
  std::string text;
  for (const Field& field : kFields) {
    const std::string& value = field.in(sas);
    if (value.empty()) continue;
    if (!text.empty()) text += '&';
    text.append(field.key).append("=").append(percent_encode(value));
  }
  return text;
}

/// "/queue/ACCOUNT/QUEUE" and a line's end.
std::string resource_line(std::string_view account, std::string_view queue) {
  return std::string("/queue/").append(account).append("/").append(queue).append("\n");
}

}  // namespace

Result<std::optional<Sas>> parse_sas(const http::Query& query) {
  Sas sas;
  std::array<bool, kFields.size()> seen{};
  for (const http::QueryParameter& parameter : query) {
    for (std::size_t i = 0; i < kFields.size(); ++i) {
      if (!iequals(parameter.key, kFields[i].key)) continue;
      if (seen[i]) {
        return fail(ErrorKind::invalid_argument, "InvalidQueryParameterValue",
                    "the shared access signature has '" + std::string(kFields[i].key) + "' twice");
      }
      seen[i] = true;
      kFields[i].in(sas) = parameter.value;
    }
  }
  const bool has_signature = seen.back();
  if (!has_signature) return std::optional<Sas>{};
  return std::optional<Sas>{std::move(sas)};
}

std::string account_sas_string_to_sign(const Sas& sas, std::string_view account) {
  std::string text;
  for (std::string_view line :
       {account, std::string_view(sas.permissions), std::string_view(sas.services),
        std::string_view(sas.resources), std::string_view(sas.start), std::string_view(sas.expiry),
        std::string_view(sas.ip), std::string_view(sas.protocol), std::string_view(sas.version)}) {
    text.append(line).append("\n");
  }
  // Versions are dates, so text order is their order.
  if (sas.version >= kEncryptionScopeVersion) text.append(sas.encryption_scope).append("\n");
  return text;
}

std::string service_sas_string_to_sign(const Sas& sas, std::string_view account,
                                       std::string_view queue) {
  std::string text;
  text.append(sas.permissions).append("\n");
  text.append(sas.start).append("\n");
  text.append(sas.expiry).append("\n");
  text.append(resource_line(account, queue));
  text.append(sas.identifier).append("\n");
  text.append(sas.ip).append("\n");
  text.append(sas.protocol).append("\n");
  text.append(sas.version);
  return text;
}

std::string user_delegation_sas_string_to_sign(const Sas& sas, std::string_view account,
                                               std::string_view queue) {
  const UserDelegation& key = sas.delegation;
  std::string text;
  for (const std::string* line : {&sas.permissions, &sas.start, &sas.expiry}) {
    text.append(*line).append("\n");
  }
  text.append(resource_line(account, queue));
  for (const std::string* line :
       {&key.object_id, &key.tenant_id, &key.start, &key.expiry, &key.service, &key.version,
        &key.delegated_tenant_id, &sas.delegated_object_id, &sas.ip, &sas.protocol}) {
    text.append(*line).append("\n");
  }
  return text.append(sas.version);
}

std::string make_account_sas(Sas fields, std::string_view account, const Secret& account_key) {
  fields.signature = sign_with_key(account_sas_string_to_sign(fields, account), account_key);
  return render(std::move(fields));
}

std::string make_service_sas(Sas fields, std::string_view account, std::string_view queue,
                             const Secret& account_key) {
  fields.signature = sign_with_key(service_sas_string_to_sign(fields, account, queue), account_key);
  return render(std::move(fields));
}

std::string make_user_delegation_sas(Sas fields, std::string_view account, std::string_view queue,
                                     const Secret& delegation_key) {
  fields.signature =
      sign_with_key(user_delegation_sas_string_to_sign(fields, account, queue), delegation_key);
  return render(std::move(fields));
}

}  // namespace latchkey::wire
