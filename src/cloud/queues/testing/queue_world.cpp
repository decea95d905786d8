#include "cloud/queues/testing/queue_world.hpp"

#include "base/assert.hpp"
#include "base/encoding.hpp"
#include "base/time_text.hpp"
#include "cloud/testing/test_tokens.hpp"
#include "wire/queue_xml.hpp"
#include "wire/roles.hpp"
#include "wire/shared_key.hpp"

namespace latchkey::cloud::testing {

QueueWorld::QueueWorld(std::chrono::seconds deletion_window)
    : tenancy{.tenant_id = std::string(kTestTenant), .subscription_id = "5ab5"},
      key1(to_base64(std::string_view("the first key of the account"))),
      key2(to_base64(std::string_view("the second key of the account"))) {
  auto database = sqlite::Database::open({});
  LK_ASSERT(database.has_value());
  auto roles = RoleAssignments::load(*database);
  LK_ASSERT(roles.has_value());
  roles_ = std::move(*roles);
  roles_writer_ = std::make_unique<sqlite::Writer>(std::move(*database));
  roles_->use_writer(*roles_writer_);
  authenticator_ = std::make_unique<Authenticator>(keys_, std::string(kTestIssuer), clock);
  QueueServiceOptions options;
  options.accounts = {{.name = "acc", .key1 = key1, .key2 = key2}};
  options.tenancy = tenancy;
  options.login_origin = "https://localhost:8443";
  options.deletion_window = deletion_window;
  auto opened = QueueService::open(std::move(options), *authenticator_, *roles_, clock, random,
                                   context.get_executor());
  LK_ASSERT(opened.has_value());
  service = std::move(*opened);
}

QueueWorld::~QueueWorld() {
  run_to_end(context, service->stop());
}

http::Request QueueWorld::prepare(Call call) const {
  http::Request request;
  request.method = call.method;
  request.method_name = http::to_string(call.method);
  request.target = std::move(call.target);
  request.headers = std::move(call.headers);
  request.body = std::move(call.body);
  request.over_tls = call.over_tls;
  request.peer_address = call.peer;
  if (!request.headers.contains("Content-Length")) {
    request.headers.set("Content-Length", std::to_string(request.body.size()));
  }
  if (!request.headers.contains("Host")) request.headers.set("Host", "localhost:10001");
  if (!request.headers.contains("x-ms-version")) {
    request.headers.set("x-ms-version", "2026-04-06");
  }
  if (request.headers.find("x-ms-version")->empty()) request.headers.remove("x-ms-version");
  return request;
}

http::Response QueueWorld::answer(const http::Request& request) {
  return await(context, service->handler()(request));
}

http::Response QueueWorld::send(Call call) {
  const http::Request request = prepare(std::move(call));
  return answer(request);
}

http::Response QueueWorld::signed_send(Call call, bool lite) {
  if (!call.headers.contains("x-ms-date")) {
    call.headers.set("x-ms-date", to_rfc1123(clock.now()));
  }
  const http::Request request = sign(prepare(std::move(call)), "acc", key1, lite);
  return answer(request);
}

http::Response QueueWorld::token_send(Call call) {
  call.over_tls = true;
  call.headers.set("Authorization", "Bearer " + test_token("https://storage.azure.com", clock));
  return send(std::move(call));
}

void QueueWorld::give_role(std::string_view role, std::string scope) {
  const wire::RoleDefinition* definition = wire::find_role(role);
  LK_ASSERT(definition != nullptr);
  RoleAssignment assignment{.name = random.uuid(),
                            .principal_id = std::string(kTestPrincipal),
                            .role_id = std::string(definition->id),
                            .scope = std::move(scope)};
  LK_ASSERT(await(context, roles_->assign(std::move(assignment))).has_value());
}

std::string QueueWorld::put_body(std::string_view text) const {
  return wire::render_message_request(text);
}

http::Request sign(http::Request request, std::string_view account, const Secret& key, bool lite) {
  const auto query = http::parse_query(request.query_text());
  LK_ASSERT(query.has_value());
  const wire::SignedRequest what{.method = request.method,
                                 .path = request.path(),
                                 .query = &*query,
                                 .headers = &request.headers,
                                 .content_length = request.body.size()};
  const std::string text = lite ? wire::shared_key_lite_string_to_sign(what, account)
                                : wire::shared_key_string_to_sign(what, account);
  request.headers.set("Authorization", std::string(lite ? "SharedKeyLite " : "SharedKey ")
                                           .append(account)
                                           .append(":")
                                           .append(wire::sign_with_key(text, key)));
  return request;
}

}  // namespace latchkey::cloud::testing
