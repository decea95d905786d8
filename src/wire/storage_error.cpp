#include "wire/storage_error.hpp"

#include <algorithm>
#include <array>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "wire/answer_error.hpp"
#include "wire/json_reader.hpp"
#include "wire/storage_error_table.hpp"
#include "wire/xml_reader.hpp"
#include "wire/xml_writer.hpp"

namespace latchkey::wire {
namespace {

struct Remedy {
  std::string_view code;
  std::string_view text;
};
/// What a person can do about the refusals that are about configuration.
/// AuthorizationPermissionMismatch is not here: the client knows which role or permission was
/// needed.
constexpr std::array<Remedy, 5> kRemedies = {{
    {"AuthorizationFailure", " Look at the storage account's network rules."},
    {"AuthenticationFailed", " Check the account key or SAS and this machine's clock."},
    {"NoAuthenticationInformation", " Configure a credential."},
    {"InvalidAuthenticationInfo", " Check the token's audience and tenant."},
    {"KeyBasedAuthenticationNotPermitted", " Use an identity instead of the account key."},
}};

std::string_view remedy_for(std::string_view code) {
  const auto* found = std::find_if(kRemedies.begin(), kRemedies.end(),
                                   [code](const Remedy& row) { return row.code == code; });
  return found == kRemedies.end() ? std::string_view{} : found->text;
}

constexpr std::size_t kCodeMax = 100;

struct Said {
  std::string code;
  std::string message;
};

/// {"odata.error":{"code":"...","message":{"value":"..."}}}, as tables have it.
Said said_in_json(std::string_view body) {
  Said said;
  const auto root = json::parse_object(body);
  const json::Object* error = root ? json::child(*root, "odata.error") : nullptr;
  if (error == nullptr) return said;
  said.code = first_line(json::text(*error, "code").value_or(""), kCodeMax);
  if (const json::Object* message = json::child(*error, "message")) {
    said.message = first_line(json::text(*message, "value").value_or(""));
  }
  return said;
}

Said said_in(std::string_view body) {
  if (body.starts_with('{')) return said_in_json(body);
  Said said;
  pugi::xml_document document;
  if (!body.empty() && !xml::load(document, body)) {
    const pugi::xml_node root = document.child("Error");
    said.code = first_line(trim(xml::text_of(root.child("Code"))), kCodeMax);
    said.message = first_line(trim(xml::text_of(root.child("Message"))));
  }
  return said;
}

}  // namespace

StorageError storage_error(std::string_view code) {
  return storage_error(code, {});
}

StorageError storage_error(std::string_view code,
                           std::vector<std::pair<std::string, std::string>> details) {
  const StorageErrorRow* row = find_storage_error(code);
  LK_ASSERT(row != nullptr);
  return {.status = row->status,
          .code = std::string(row->code),
          .message = std::string(row->message),
          .details = std::move(details),
          .headers = {}};
}

http::Response render_storage_error(const StorageError& error, std::string_view request_id,
                                    UtcTime now) {
  http::Response response;
  response.status = error.status;
  response.reason = first_line(error.message);
  response.headers.set("Content-Type", "application/xml");
  response.headers.set("x-ms-error-code", error.code);
  for (const auto& [name, value] : error.headers) response.headers.set(name, value);

  std::string message = error.message;
  message.append("\nRequestId:").append(request_id).append("\nTime:").append(to_iso8601(now));
  std::string& body = response.body;
  body.reserve(400);
  body.append(xml::kHead).append("<Error>");
  xml::append_element(body, "Code", error.code);
  xml::append_element(body, "Message", message);
  for (const auto& [name, value] : error.details) xml::append_element(body, name, value);
  body += "</Error>";
  return response;
}

Error storage_error_from(const http::Response& response, std::string_view who) {
  auto [code, message] = said_in(response.body);
  const auto header = response.headers.find("x-ms-error-code");
  if (header) code = first_line(*header, kCodeMax);
  // An answer to HEAD has no body: the table knows what the service would have said.
  const StorageErrorRow* row = find_storage_error(code);
  if (message.empty() && row != nullptr) message = row->message;
  message += remedy_for(code);
  return answer_error(response, who, std::move(code), message);
}

}  // namespace latchkey::wire
