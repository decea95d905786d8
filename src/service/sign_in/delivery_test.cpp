#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/testing/await.hpp"
#include "codes/testing/temporary_folder.hpp"
#include "http/testing/fake_http_client.hpp"
#include "service/sign_in/outbox.hpp"
#include "service/sign_in/private_file.hpp"
#include "service/sign_in/webhook.hpp"

namespace latchkey::service::sign_in {
namespace {

using latchkey::testing::await;

Message message(std::string subject = "alice", std::string code = "ojE-161-pTv") {
  return {.subject = std::move(subject),
          .code = Secret(std::move(code)),
          .expires = UtcTime{std::chrono::seconds{1'586'969'688}},
          .not_me_url = Secret("https://app.example/sign-in/not-me?token=t")};
}

class OutboxTest : public ::testing::Test {
 protected:
  IoContext context_;
  codes::testing::TemporaryFolder home_;
  const std::filesystem::path folder_ = home_.path() / "outbox";
  OutboxDelivery outbox_{folder_};
};

TEST_F(OutboxTest, KeepsTheNewestMessageOfEachPerson) {
  ASSERT_TRUE(await(context_, outbox_.deliver(message("alice", "aaa-1-aaa"))));
  ASSERT_TRUE(await(context_, outbox_.deliver(message("bob", "bbb-2-bbb"))));
  ASSERT_TRUE(await(context_, outbox_.deliver(message("alice", "ccc-3-ccc"))));
  const auto read = read_outbox(folder_, "alice");
  ASSERT_TRUE(read && *read);
  EXPECT_EQ((**read).code.reveal(), "ccc-3-ccc");
  EXPECT_EQ((**read).expires, message().expires);
  EXPECT_EQ((**read).not_me_url, message().not_me_url);
  EXPECT_EQ((**read_outbox(folder_, "bob")).code.reveal(), "bbb-2-bbb");
  EXPECT_EQ(*read_outbox(folder_, "carol"), std::nullopt);
}

TEST_F(OutboxTest, IsForItsOwnerAloneAndNoNameLeavesIt) {
  ASSERT_TRUE(await(context_, outbox_.deliver(message("../../x/y"))));
  EXPECT_TRUE(*read_outbox(folder_, "../../x/y"));
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    struct stat status{};
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    ++files;
  }
  EXPECT_EQ(files, 1);
  const auto answer = await(context_, outbox_.deliver(message(std::string(300, 'x'))));
  EXPECT_EQ(answer.error().code, "NameTooLong");
}

TEST_F(OutboxTest, AForeignFileIsAnError) {
  ASSERT_TRUE(write_private_file(folder_ / "alice.json", "{\"code\":1}"));
  EXPECT_EQ(read_outbox(folder_, "alice").error().code, "OutboxError");
}

Task<Result<Secret>> password_of_gateway() {
  co_return Secret("Bearer gateway-key");
}
Task<Result<Secret>> no_password() {
  co_return fail(ErrorKind::unavailable, "VaultDown", "said by a test");
}

class WebhookTest : public ::testing::Test {
 protected:
  Result<> deliver(WebhookOptions options = {}) {
    options.url = http::parse_url("https://gateway.example/messages").value();
    WebhookDelivery webhook(http_, std::move(options));
    return await(context_, webhook.deliver(message()));
  }
  IoContext context_;
  http::testing::FakeHttpClient http_;
};

TEST_F(WebhookTest, PostsTheMessageWithItsAuthorization) {
  http_.queue(http::text_response(202, ""));
  ASSERT_TRUE(deliver({.url = {}, .authorization = password_of_gateway}));
  const auto& call = http_.calls.at(0);
  EXPECT_EQ(call.method, http::Method::post);
  EXPECT_EQ(call.url.to_string(), "https://gateway.example/messages");
  EXPECT_EQ(call.headers.find("Authorization"), "Bearer gateway-key");
  EXPECT_EQ(call.headers.find("Content-Type"), "application/json");
  EXPECT_EQ(call.body,
            R"({"subject":"alice","code":"ojE-161-pTv","expires":"2020-04-15T16:54:48.0000000Z",)"
            R"("notMeUrl":"https://app.example/sign-in/not-me?token=t"})");
}

TEST_F(WebhookTest, AnythingButAYesIsAnErrorWithoutTheCode) {
  for (const int status : {199, 301, 400, 401, 429, 500, 503}) {
    http_.queue(http::text_response(status, "no"));
    const auto answer = deliver();
    ASSERT_FALSE(answer) << status;
    EXPECT_EQ(answer.error().message.find("ojE"), std::string::npos);
  }
  http_.queue(Result<http::Response>(fail(ErrorKind::timeout, "ResponseTimeout", "too late")));
  EXPECT_EQ(deliver().error().kind, ErrorKind::timeout);
}

TEST_F(WebhookTest, WithoutItsAuthorizationNothingIsSent) {
  EXPECT_EQ(deliver({.url = {}, .authorization = no_password}).error().code, "VaultDown");
  EXPECT_TRUE(http_.calls.empty());
}

TEST_F(WebhookTest, CodesDoNotTravelInTheClear) {
  for (const auto& [url, good] :
       {std::pair{"https://gateway.example/", true}, std::pair{"http://localhost:1234/", true},
        std::pair{"http://127.0.0.1/", true}, std::pair{"http://gateway.example/", false}}) {
    EXPECT_EQ(WebhookDelivery::check_url(http::parse_url(url).value()).has_value(), good) << url;
  }
}

}  // namespace
}  // namespace latchkey::service::sign_in
