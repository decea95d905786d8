#include "wire/user_delegation.hpp"

#include "base/time_text.hpp"
#include "wire/xml_fields.hpp"
#include "wire/xml_writer.hpp"

namespace latchkey::wire {
namespace {
using xml::append_element;

UtcTime read_time(xml::Fields& fields, const char* name) {
  const std::string text = fields.text(name);
  const auto time = from_iso8601(text);
  if (!time) fields.refuse(name, text, "must be an ISO 8601 time");
  return time.value_or(UtcTime{});
}

}  // namespace

Served<KeyInfo> parse_key_info(std::string_view text) {
  pugi::xml_document document;
  auto fields = xml::Fields::load(document, text, "KeyInfo");
  if (!fields) return refuse(std::move(fields.error()));
  KeyInfo info;
  if (!fields->optional_text("Start").value_or("").empty())
    info.start = read_time(*fields, "Start");
  info.expiry = read_time(*fields, "Expiry");
  info.delegated_tenant_id = fields->optional_text("DelegatedUserTid").value_or("");
  if (fields->error()) return refuse(*fields->error());
  return info;
}

std::string render_user_delegation_key(const UserDelegation& delegation, const Secret& key) {
  std::string out(xml::kHead);
  out += "<UserDelegationKey>";
  append_element(out, "SignedOid", delegation.object_id);
  append_element(out, "SignedTid", delegation.tenant_id);
  append_element(out, "SignedStart", delegation.start);
  append_element(out, "SignedExpiry", delegation.expiry);
  append_element(out, "SignedService", delegation.service);
  append_element(out, "SignedVersion", delegation.version);
  if (!delegation.delegated_tenant_id.empty()) {
    append_element(out, "SignedDelegatedUserTid", delegation.delegated_tenant_id);
  }
  append_element(out, "Value", key.reveal());
  return out += "</UserDelegationKey>";
}

}  // namespace latchkey::wire
