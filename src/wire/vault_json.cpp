#include "wire/vault_json.hpp"

#include <array>

#include "base/encoding.hpp"
#include "wire/answer_error.hpp"
#include "wire/json_reader.hpp"

namespace latchkey::wire {
namespace {

/// The longest that the real service's explanations of a refusal get, and some more.
constexpr std::size_t kVaultMessageMax = 1500;

/// Reads optional members of one object and remembers the first that is wrong, as the client's
/// fault or the service's: both ends read the same members.
class MemberReader {
 public:
  explicit MemberReader(const json::Object& object) : object_(&object) {}

  std::optional<std::string> text(std::string_view name, std::size_t size_max) {
    const json::Value* value = json::find(*object_, name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_string()) return refuse(name, "is not a string");
    if (value->get_string().size() > size_max) return refuse(name, "is too long");
    return std::string(value->get_string());
  }

  std::optional<bool> boolean(std::string_view name) {
    const json::Value* value = json::find(*object_, name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_bool()) return refuse(name, "is not true or false");
    return value->get_bool();
  }

  std::optional<std::int64_t> number(std::string_view name) {
    const json::Value* value = json::find(*object_, name);
    if (value == nullptr) return std::nullopt;
    const auto number = json::whole_number(*value);
    if (!number || *number < 0 || *number > json::kEpochSecondsMax) {
      return refuse(name, "is not a number of seconds since 1970");
    }
    return number;
  }

  std::map<std::string, std::string> tags(std::string_view name) {
    const json::Object* object = this->object(name);
    std::map<std::string, std::string> tags;
    if (object == nullptr) return tags;
    if (object->size() > kSecretTagsMax) refuse(name, "has too many entries");
    for (const auto& [key, value] : *object) {
      if (!value.is_string()) {
        refuse(name, "has a value that is not a string");
      } else if (key.size() > kSecretTagBytesMax ||
                 value.get_string().size() > kSecretTagBytesMax) {
        refuse(name, "has a name or value that is too long");
      } else {
        tags.emplace(key, std::string_view(value.get_string()));
      }
    }
    return tags;
  }

  const json::Object* object(std::string_view name) {
    const json::Value* value = json::find(*object_, name);
    if (value == nullptr) return nullptr;
    if (!value->is_object()) refuse(name, "is not an object");
    return value->if_object();
  }

  std::nullopt_t refuse(std::string_view name, std::string_view why) {
    if (wrong_.empty()) wrong_ = "property '" + std::string(name) + "' " + std::string(why);
    return std::nullopt;
  }

  /// Empty while all is well. Names members, never their values: one of them is the secret.
  std::string wrong_;

 private:
  const json::Object* object_;
};

tl::unexpected<Error> bad_bundle(std::string_view why) {
  return fail(ErrorKind::protocol, "InvalidSecretBundle",
              "the vault's answer cannot be used: " + std::string(why));
}

tl::unexpected<Error> bad_parameter(std::string_view why) {
  return fail(ErrorKind::invalid_argument, "BadParameter", "the request body: " + std::string(why));
}

json::Object tags_object(const std::map<std::string, std::string>& tags) {
  json::Object object;
  for (const auto& [name, value] : tags) object[name] = value;
  return object;
}

/// The service may raise its limits: whatever it sends is read.
constexpr std::size_t kAnySize = std::string_view::npos;

Result<SecretBundle> bundle_from(const json::Object& object) {
  MemberReader reader(object);
  SecretBundle bundle;
  auto value = reader.text("value", kAnySize);
  bundle.has_value = value.has_value();
  bundle.value = Secret(std::move(value).value_or(""));
  bundle.id = reader.text("id", kAnySize).value_or("");
  bundle.content_type = reader.text("contentType", kAnySize);
  bundle.tags = reader.tags("tags");
  const json::Object* attributes = reader.object("attributes");
  if (!reader.wrong_.empty()) return bad_bundle(reader.wrong_);
  if (bundle.id.empty()) return bad_bundle("property 'id' is missing");
  if (attributes == nullptr) return bundle;

  MemberReader inner(*attributes);
  SecretAttributes& into = bundle.attributes;
  into.enabled = inner.boolean("enabled").value_or(true);
  into.not_before = inner.number("nbf");
  into.expires = inner.number("exp");
  into.created = inner.number("created").value_or(0);
  into.updated = inner.number("updated").value_or(0);
  into.recovery_level = inner.text("recoveryLevel", kAnySize).value_or("");
  const auto days = inner.number("recoverableDays").value_or(0);
  if (days > 36'500) inner.refuse("recoverableDays", "is too large");
  if (!inner.wrong_.empty()) return bad_bundle("attributes: " + inner.wrong_);
  into.recoverable_days = static_cast<int>(days);
  return bundle;
}

/// Of Set Secret and Update Secret; `attributes` may be nullptr.
template <class Request>
Result<> read_attributes(const json::Object* attributes, Request& into) {
  if (attributes == nullptr) return {};
  MemberReader reader(*attributes);
  into.enabled = reader.boolean("enabled");
  into.not_before = reader.number("nbf");
  into.expires = reader.number("exp");
  if (!reader.wrong_.empty()) return bad_parameter("attributes: " + reader.wrong_);
  return {};
}

struct Remedy {
  std::string_view code;
  std::string_view text;
};
constexpr std::array<Remedy, 4> kRemedies = {{
    {"ForbiddenByRbac",
     " Assign the caller's identity the role Key Vault Secrets User (to read) or Key Vault Secrets"
     " Officer (to write) on this vault or secret."},
    {"AccessDenied", " Give the caller's identity that permission in the vault's access policies."},
    {"ForbiddenByFirewall", " Allow this machine's address in the vault's network settings."},
    {"SecretDisabled", " Enable the secret."},
}};

}  // namespace

std::string SecretBundle::version() const {
  // https://VAULT/secrets/NAME/VERSION
  static constexpr std::string_view kSecrets = "/secrets/";
  const auto at = id.find(kSecrets);
  if (at == std::string::npos) return {};
  const auto slash = id.find('/', at + kSecrets.size());
  return slash == std::string::npos ? std::string{} : id.substr(slash + 1);
}

std::string render_secret_bundle(const SecretBundle& bundle) {
  const SecretAttributes& from = bundle.attributes;
  json::Object attributes;
  attributes["enabled"] = from.enabled;
  if (from.not_before) attributes["nbf"] = *from.not_before;
  if (from.expires) attributes["exp"] = *from.expires;
  attributes["created"] = from.created;
  attributes["updated"] = from.updated;
  attributes["recoveryLevel"] = from.recovery_level;
  attributes["recoverableDays"] = from.recoverable_days;

  json::Object object;
  if (bundle.has_value) object["value"] = bundle.value.reveal();
  if (bundle.content_type) object["contentType"] = *bundle.content_type;
  object["id"] = bundle.id;
  object["attributes"] = std::move(attributes);
  if (!bundle.tags.empty()) object["tags"] = tags_object(bundle.tags);
  if (bundle.deletion) {
    object["recoveryId"] = bundle.deletion->recovery_id;
    object["deletedDate"] = bundle.deletion->deleted;
    object["scheduledPurgeDate"] = bundle.deletion->scheduled_purge;
  }
  return boost::json::serialize(object);
}

Result<SecretBundle> parse_secret_bundle(std::string_view text) {
  const auto object = json::parse_object(text);
  if (!object) return bad_bundle("it is not a JSON object");
  return bundle_from(*object);
}

Result<SecretPage> parse_secret_page(std::string_view text) {
  const auto object = json::parse_object(text);
  if (!object) return bad_bundle("it is not a JSON object");
  SecretPage page;
  MemberReader reader(*object);
  page.next_link = reader.text("nextLink", kAnySize).value_or("");
  if (!reader.wrong_.empty()) return bad_bundle(reader.wrong_);
  const json::Value* items = json::find(*object, "value");
  if (items == nullptr || !items->is_array()) return bad_bundle("property 'value' is not a list");
  for (const json::Value& item : items->get_array()) {
    if (!item.is_object()) return bad_bundle("its list has an item that is not an object");
    auto bundle = bundle_from(item.get_object());
    if (!bundle) return fail(std::move(bundle.error()));
    page.items.push_back(std::move(*bundle));
  }
  return page;
}

std::string render_set_secret(const SetSecretRequest& request) {
  json::Object object;
  object["value"] = request.value.reveal();
  if (request.content_type) object["contentType"] = *request.content_type;
  if (!request.tags.empty()) object["tags"] = tags_object(request.tags);
  json::Object attributes;
  if (request.enabled) attributes["enabled"] = *request.enabled;
  if (request.not_before) attributes["nbf"] = *request.not_before;
  if (request.expires) attributes["exp"] = *request.expires;
  if (!attributes.empty()) object["attributes"] = std::move(attributes);
  return boost::json::serialize(object);
}

Result<SetSecretRequest> parse_set_secret(std::string_view text) {
  const auto object = json::parse_object(text);
  if (!object) return bad_parameter("it is not a JSON object");
  MemberReader reader(*object);
  SetSecretRequest request;
  auto value = reader.text("value", kSecretValueBytesMax);
  request.content_type = reader.text("contentType", kSecretContentTypeBytesMax);
  request.tags = reader.tags("tags");
  const json::Object* attributes = reader.object("attributes");
  if (!value) reader.refuse("value", "is missing");
  if (!reader.wrong_.empty()) return bad_parameter(reader.wrong_);
  request.value = Secret(*std::move(value));
  if (auto read = read_attributes(attributes, request); !read) return fail(read.error());
  return request;
}

Result<UpdateSecretRequest> parse_update_secret(std::string_view text) {
  const auto object = json::parse_object(text);
  if (!object) return bad_parameter("it is not a JSON object");
  MemberReader reader(*object);
  UpdateSecretRequest request;
  request.content_type = reader.text("contentType", kSecretContentTypeBytesMax);
  if (json::find(*object, "tags") != nullptr) request.tags = reader.tags("tags");
  const json::Object* attributes = reader.object("attributes");
  if (!reader.wrong_.empty()) return bad_parameter(reader.wrong_);
  if (auto read = read_attributes(attributes, request); !read) return fail(read.error());
  return request;
}

std::string render_secret_backup(std::string_view blob) {
  return boost::json::serialize(json::Object{{"value", to_base64url(blob)}});
}

Result<std::string> parse_secret_backup(std::string_view text) {
  const auto object = json::parse_object(text);
  const auto value = object ? json::text(*object, "value") : std::nullopt;
  const auto blob = value ? from_base64url(*value) : std::nullopt;
  if (!blob || blob->empty()) return bad_parameter("property 'value' is not a backup");
  return std::string(as_text(*blob));
}

std::string render_vault_error(std::string_view code, std::string_view message,
                               std::string_view inner) {
  json::Object error;
  error["code"] = code;
  error["message"] = message;
  if (!inner.empty()) error["innererror"] = json::Object{{"code", inner}};
  json::Object object;
  object["error"] = std::move(error);
  return boost::json::serialize(object);
}

Error vault_error_from(const http::Response& response, std::string_view who) {
  std::string code;
  std::string message;
  const auto object = json::parse_object(response.body);
  if (const json::Object* error = object ? json::child(*object, "error") : nullptr) {
    code = first_line(json::text(*error, "code").value_or(""), 100);
    message = one_line(json::text(*error, "message").value_or(""), kVaultMessageMax);
    const json::Object* inner = json::child(*error, "innererror");
    const auto inner_code = inner == nullptr ? std::nullopt : json::text(*inner, "code");
    if (inner_code && !inner_code->empty()) code = first_line(*inner_code, 100);
  }
  if (message.empty() && !code.empty()) message = code;
  for (const Remedy& remedy : kRemedies) {
    if (remedy.code == code) message += remedy.text;
  }
  return answer_error(response, who, std::move(code), message);
}

}  // namespace latchkey::wire
