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
  std::string Sas::* member;
};
/// In the order in which Azure's own tools write them; the signature comes last.
constexpr std::array<Field, 11> kFields = {{
    {"sv", &Sas::version},
    {"ss", &Sas::services},
    {"srt", &Sas::resources},
    {"sp", &Sas::permissions},
    {"st", &Sas::start},
    {"se", &Sas::expiry},
    {"sip", &Sas::ip},
    {"spr", &Sas::protocol},
    {"si", &Sas::identifier},
    {"ses", &Sas::encryption_scope},
    {"sig", &Sas::signature},
}};

std::string render(const Sas& sas) {
  std::string text;
  for (const Field& field : kFields) {
    const std::string& value = sas.*field.member;
    if (value.empty()) continue;
    if (!text.empty()) text += '&';
    text.append(field.key).append("=").append(percent_encode(value));
  }
  return text;
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
      sas.*kFields[i].member = parameter.value;
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
  text.append("/queue/").append(account).append("/").append(queue).append("\n");
  text.append(sas.identifier).append("\n");
  text.append(sas.ip).append("\n");
  text.append(sas.protocol).append("\n");
  text.append(sas.version);
  return text;
}

std::string make_account_sas(Sas fields, std::string_view account, const Secret& account_key) {
  fields.signature = sign_with_key(account_sas_string_to_sign(fields, account), account_key);
  return render(fields);
}

std::string make_service_sas(Sas fields, std::string_view account, std::string_view queue,
                             const Secret& account_key) {
  fields.signature = sign_with_key(service_sas_string_to_sign(fields, account, queue), account_key);
  return render(fields);
}

}  // namespace latchkey::wire
