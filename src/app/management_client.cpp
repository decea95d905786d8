#include "app/management_client.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "app/azure_access.hpp"
#include "app/names.hpp"
#include "base/encoding.hpp"

namespace latchkey::app {
namespace {

namespace json = boost::json;

constexpr const char* kManagement = "https://management.azure.com";
constexpr const char* kApiVersion = "2022-04-01";

json::object object_of(std::string_view body) {
  boost::system::error_code problem;
  auto value = json::parse(body, problem);
  return problem || !value.is_object() ? json::object{} : std::move(value.as_object());
}

Error refusal_of(const http::Response& answer) {
  const auto body = object_of(answer.body);
  const auto* error = body.if_contains("error");
  Error made{.kind = ErrorKind::denied,
             .code = "ManagementError",
             .message = fmt::format("the local cloud answered {}", answer.status),
             .retry_after = {},
             .request_id = {},
             .http_status = answer.status};
  if (answer.status == 400) made.kind = ErrorKind::invalid_argument;
  if (answer.status == 404) made.kind = ErrorKind::not_found;
  if (answer.status == 409) made.kind = ErrorKind::conflict;
  if (answer.status >= 500) made.kind = ErrorKind::unavailable;
  if (error != nullptr && error->is_object()) {
    made.code = member_of(error->as_object(), "code");
    made.message = member_of(error->as_object(), "message");
  }
  return made;
}

}  // namespace

Result<std::unique_ptr<ManagementClient>> ManagementClient::open(RunningCloud running,
                                                                 World world) {
  auto environment = environment_for(running, kOperatorIdentity);
  if (!environment) return fail(environment.error());
  auto authority = read_file(running.authority_file());
  if (!authority) return fail(authority.error());
  auto trust = http::TlsClientContext::system_trust(*authority);
  if (!trust) return fail(trust.error());
  std::unique_ptr<ManagementClient> made(new ManagementClient(std::move(running), world));
  made->http_ =
      std::make_unique<http::PooledClient>(world.executor, std::move(*trust), world.clock);
  auto credential = azure::make_default_credential(read_credential_settings(*environment),
                                                   *made->http_, world.clock, world.executor);
  if (!credential) return fail(credential.error());
  made->credential_ = std::move(*credential);
  return made;
}

Task<Result<json::object>> ManagementClient::call(http::Method method, std::string path,
                                                  std::string body) {
  auto token = co_await credential_->get_token(kManagement);
  if (!token) co_return fail(token.error());
  auto base = http::parse_url(running_.endpoints.at("login"));
  if (!base) co_return fail(base.error());
  http::ClientRequest request;
  request.method = method;
  request.url = base->with_path(std::move(path));
  request.url.add_parameter("api-version", kApiVersion);
  request.headers.set("Authorization", fmt::format("Bearer {}", token->value.reveal()));
  if (!body.empty()) request.headers.set("Content-Type", "application/json");
  request.body = std::move(body);
  auto answer = co_await http_->send(std::move(request));
  if (!answer) co_return fail(answer.error());
  if (answer->status >= 400) co_return fail(refusal_of(*answer));
  co_return object_of(answer->body);
}

Task<Result<json::object>> ManagementClient::get(std::string path) {
  return call(http::Method::get, std::move(path), {});
}
Task<Result<json::object>> ManagementClient::put(std::string path, json::object body) {
  return call(http::Method::put, std::move(path), json::serialize(body));
}
Task<Result<json::object>> ManagementClient::post(std::string path, json::object body) {
  return call(http::Method::post, std::move(path), json::serialize(body));
}
Task<Result<json::object>> ManagementClient::remove(std::string path) {
  return call(http::Method::delete_, std::move(path), {});
}

std::string ManagementClient::identity_path(std::string_view name) const {
  const auto all = resource_group() + "/providers/Latchkey.Identity/identities";
  return name.empty() ? all : fmt::format("{}/{}", all, percent_encode(name));
}

IdentityFacts identity_facts(const json::object& identity) {
  return {.name = member_of(identity, "name"),
          .kind = member_of(identity, "kind"),
          .client_id = member_of(identity, "clientId"),
          .object_id = member_of(identity, "principalId")};
}

Task<Result<IdentityFacts>> find_identity(ManagementClient& management, std::string name) {
  auto path = management.identity_path(name);
  auto found = co_await management.get(std::move(path));
  if (!found && found.error().kind == ErrorKind::not_found) {
    co_return fail(
        ErrorKind::not_found, "UnknownIdentity",
        fmt::format("there is no identity \"{}\" here (latchkey identity list shows what there "
                    "is; latchkey identity create {} makes it)",
                    name, name));
  }
  if (!found) co_return fail(found.error());
  co_return identity_facts(*found);
}

Task<Result<IdentityFacts>> ensure_identity(ManagementClient& management, std::string name,
                                            std::string kind) {
  auto path = management.identity_path(name);
  const json::object properties{{"kind", kind}};
  json::object body{{"properties", properties}};
  auto made = co_await management.put(std::move(path), std::move(body));
  if (!made) co_return fail(made.error());
  co_return identity_facts(*made);
}

Task<Result<Secret>> identity_header(ManagementClient& management, std::string name) {
  auto path = management.identity_path(name) + "/listHeader";
  auto answer = co_await management.post(std::move(path), json::object{});
  if (!answer) co_return fail(answer.error());
  co_return Secret(member_of(*answer, "identityHeader"));
}

Task<Result<Secret>> new_client_secret(ManagementClient& management, std::string name,
                                       std::chrono::seconds life) {
  auto path = management.identity_path(name) + "/credentials";
  json::object properties{{"kind", "secret"}};
  if (life.count() > 0) properties["lifeSeconds"] = life.count();
  json::object body{{"properties", std::move(properties)}};
  auto answer = co_await management.post(std::move(path), std::move(body));
  if (!answer) co_return fail(answer.error());
  co_return Secret(member_of(*answer, "secretText"));
}

std::string member_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value != nullptr && value->is_string()) return std::string(value->as_string());
  const auto* properties = object.if_contains("properties");
  if (properties != nullptr && properties->is_object()) {
    return member_of(properties->as_object(), name);
  }
  return {};
}

}  // namespace latchkey::app
