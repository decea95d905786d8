#include "wire/connection_string.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace latchkey::wire {
namespace {

struct Parts {
  std::string_view development;
  std::string_view development_proxy;
  std::string_view protocol;
  std::string_view suffix;
  std::string_view account;
  std::string_view key;
  std::string_view sas;
  std::string_view queue_endpoint;
  std::string_view table_endpoint;
};

struct Name {
  std::string_view name;
  std::string_view Parts::* member;
};
constexpr std::array<Name, 9> kNames = {{
    {"UseDevelopmentStorage", &Parts::development},
    {"DevelopmentStorageProxyUri", &Parts::development_proxy},
    {"DefaultEndpointsProtocol", &Parts::protocol},
    {"EndpointSuffix", &Parts::suffix},
    {"AccountName", &Parts::account},
    {"AccountKey", &Parts::key},
    {"SharedAccessSignature", &Parts::sas},
    {"QueueEndpoint", &Parts::queue_endpoint},
    {"TableEndpoint", &Parts::table_endpoint},
}};

tl::unexpected<Error> wrong(std::string what) {
  return fail(ErrorKind::invalid_argument, "InvalidConnectionString",
              "storage connection string: " + std::move(what));
}

/// Names that we do not need (BlobEndpoint, ...) are passed over.
Result<Parts> take_apart(std::string_view text) {
  Parts parts;
  for (std::string_view segment : split(text, ';')) {
    segment = trim(segment);
    if (segment.empty()) continue;
    const auto at = segment.find('=');
    // The segment itself stays out of the message: it may be a key cut in two.
    if (at == std::string_view::npos)
      return wrong("a part has no '='; write Name=Value;Name=Value");
    const auto name = trim(segment.substr(0, at));
    const auto value = trim(segment.substr(at + 1));
    for (const Name& known : kNames) {
      if (!iequals(known.name, name)) continue;
      if (!(parts.*known.member).empty()) return wrong(std::string(known.name) + " stands twice");
      if (value.empty()) return wrong(std::string(known.name) + " is empty");
      parts.*known.member = value;
    }
  }
  return parts;
}

/// Without slashes at the end; nullopt when it is not scheme://host with nothing behind the path.
std::optional<std::string> endpoint_from(std::string_view text) {
  const std::size_t scheme = istarts_with(text, "https://")  ? 8
                             : istarts_with(text, "http://") ? 7
                                                             : 0;
  while (text.ends_with('/')) text.remove_suffix(1);
  if (scheme == 0 || text.size() <= scheme || text[scheme] == '/' ||
      text.find_first_of(" ?#\\@\r\n\t") != std::string_view::npos) {
    return std::nullopt;
  }
  return std::string(text);
}

bool is_host_text(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == ':';
  });
}

/// What the strings call a service, and where the emulator has it.
struct ServiceNames {
  std::string_view endpoint;
  std::string_view host_part;
  std::string_view emulator_port;
  std::string_view Parts::* given;
};

ServiceNames names_of(StorageService service) {
  if (service == StorageService::table) {
    return {"TableEndpoint", ".table.", ":10002/", &Parts::table_endpoint};
  }
  return {"QueueEndpoint", ".queue.", ":10001/", &Parts::queue_endpoint};
}

Result<ConnectionString> development(const Parts& parts, const ServiceNames& names) {
  if (!iequals(parts.development, "true")) return wrong("UseDevelopmentStorage must be true");
  std::string base = "http://127.0.0.1";
  if (!parts.development_proxy.empty()) {
    const auto proxy = endpoint_from(parts.development_proxy);
    if (!proxy) return wrong("DevelopmentStorageProxyUri is not an http or https address");
    base = *proxy;
  }
  base.append(names.emulator_port).append(kDevelopmentAccount);
  return ConnectionString{.endpoint = std::move(base),
                          .account = std::string(kDevelopmentAccount),
                          .account_key = Secret(std::string(kDevelopmentKey)),
                          .sas = {}};
}

Result<std::string> endpoint(const Parts& parts, const ServiceNames& names) {
  const std::string name(names.endpoint);
  if (!(parts.*names.given).empty()) {
    auto given = endpoint_from(parts.*names.given);
    if (!given) return wrong(name + " is not an http or https address without a query");
    return *std::move(given);
  }
  const std::string_view protocol = parts.protocol.empty() ? "https" : parts.protocol;
  const std::string_view suffix = parts.suffix.empty() ? "core.windows.net" : parts.suffix;
  if (parts.account.empty()) return wrong("AccountName or " + name + " is missing");
  if (!iequals(protocol, "https") && !iequals(protocol, "http")) {
    return wrong("DefaultEndpointsProtocol must be https or http");
  }
  if (!is_host_text(suffix)) return wrong("EndpointSuffix is not a host name");
  std::string address = to_lower(protocol) + "://";
  return address.append(parts.account).append(names.host_part).append(suffix);
}

}  // namespace

Result<ConnectionString> parse_connection_string(std::string_view text, StorageService service) {
  const ServiceNames names = names_of(service);
  auto parts = take_apart(text);
  if (!parts) return fail(std::move(parts.error()));
  if (!parts->development.empty()) return development(*parts, names);
  if (parts->key.empty() && parts->sas.empty()) {
    return wrong("AccountKey or SharedAccessSignature is missing");
  }
  if (!parts->key.empty() && !parts->sas.empty()) {
    return wrong("give AccountKey or SharedAccessSignature, not both");
  }
  if (!parts->account.empty() && (!is_host_text(parts->account) ||
                                  parts->account.find_first_of(".:") != std::string_view::npos)) {
    return wrong("AccountName may hold letters, digits and hyphens only");
  }
  auto address = endpoint(*parts, names);
  if (!address) return fail(std::move(address.error()));

  ConnectionString result;
  result.endpoint = *std::move(address);
  if (!parts->sas.empty()) {
    result.sas = parts->sas.starts_with('?') ? parts->sas.substr(1) : parts->sas;
    if (result.sas.find("sig=") == std::string::npos) {
      return wrong("SharedAccessSignature has no sig; copy the whole token");
    }
    return result;
  }
  if (parts->account.empty()) return wrong("AccountName is missing next to AccountKey");
  const auto key = from_base64(parts->key);
  if (!key || key->empty()) {
    return wrong("AccountKey is not base64; copy the whole key with its '=' at the end");
  }
  result.account = parts->account;
  result.account_key = Secret(std::string(parts->key));
  return result;
}

}  // namespace latchkey::wire
