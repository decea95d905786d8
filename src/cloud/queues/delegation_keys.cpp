#include "cloud/queues/delegation_keys.hpp"

#include "base/encoding.hpp"
#include "base/hash.hpp"
#include "base/time_text.hpp"

namespace latchkey::cloud {
namespace {

wire::StorageError wrong_time(std::string_view name, UtcTime time, std::string_view reason) {
  return wire::storage_error("InvalidXmlNodeValue", {{"XmlNodeName", std::string(name)},
                                                     {"XmlNodeValue", to_signed_time(time)},
                                                     {"Reason", std::string(reason)}});
}

}  // namespace

std::string to_signed_time(UtcTime time) {
  const std::string text = to_iso8601(std::chrono::floor<std::chrono::seconds>(time));
  return text.substr(0, text.find('.')) + "Z";
}

Secret DelegationKeys::key_of(const wire::UserDelegation& delegation,
                              std::string_view account) const {
  std::string text("user delegation key\n");
  for (const std::string_view line :
       {account, std::string_view(delegation.object_id), std::string_view(delegation.tenant_id),
        std::string_view(delegation.start), std::string_view(delegation.expiry),
        std::string_view(delegation.service), std::string_view(delegation.version),
        std::string_view(delegation.delegated_tenant_id)}) {
    text.append(line).append("\n");
  }
  return Secret(to_base64(hmac_sha256(as_bytes(secret_.reveal()), text)));
}

wire::Served<wire::UserDelegation> plan_delegation(const wire::KeyInfo& info, UtcTime now) {
  const UtcTime start = info.start.value_or(now);
  if (info.expiry <= start) {
    return wire::refuse(wrong_time("Expiry", info.expiry, "must be after Start"));
  }
  if (info.expiry <= now) {
    return wire::refuse(wrong_time("Expiry", info.expiry, "must be in the future"));
  }
  if (info.expiry > now + kDelegationKeyLifeMax) {
    return wire::refuse(wrong_time("Expiry", info.expiry, "must be within seven days from now"));
  }
  wire::UserDelegation delegation;
  delegation.start = to_signed_time(start);
  delegation.expiry = to_signed_time(info.expiry);
  delegation.service = "q";
  delegation.delegated_tenant_id = info.delegated_tenant_id;
  return delegation;
}

}  // namespace latchkey::cloud
