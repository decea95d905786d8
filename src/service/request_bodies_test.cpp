#include "service/request_bodies.hpp"

#include <gtest/gtest.h>

namespace latchkey::service {
namespace {

using std::chrono::seconds;

http::Request with(std::string body, std::string_view type = "application/json") {
  http::Request request;
  request.method = http::Method::post;
  request.headers.set("Content-Type", type);
  request.headers.set("Content-Length", std::to_string(body.size()));
  request.body = std::move(body);
  return request;
}

/// The detail of a refusal with status 400; fails the test for anything else.
template <class T>
std::string refusal(const tl::expected<T, http::Response>& read) {
  if (read) {
    ADD_FAILURE() << "taken";
    return {};
  }
  EXPECT_EQ(read.error().status, 400);
  EXPECT_EQ(read.error().headers.find("Content-Type"), "application/problem+json");
  return read.error().body;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

TEST(VerifyBody, HasCodeSubjectAndPurpose) {
  const auto read = parse_verify_body(
      with(R"({"code":"ojE-161-pTv","subject":"ada@example.org","purpose":"sign-in"})"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->code.reveal(), "ojE-161-pTv");
  EXPECT_EQ(read->binding, (codes::Binding{.subject = "ada@example.org", .purpose = "sign-in"}));
}

TEST(VerifyBody, NeedsNoMoreThanTheCode) {
  const auto read = parse_verify_body(with(R"({"code":"x"})"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->binding, codes::Binding{});
}

TEST(IssueBody, MayBeEmpty) {
  const auto read = parse_issue_body(with("{}"), seconds{600});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->binding, codes::Binding{});
  EXPECT_FALSE(read->lifetime);
}

TEST(IssueBody, TheLifetimeIsAWholeNumberOfSecondsWithinTheRules) {
  const std::pair<const char*, int> good[] = {{"1", 1}, {"600", 600}, {"60.0", 60}, {"6e1", 60}};
  for (const auto& [text, count] : good) {
    const auto read =
        parse_issue_body(with(std::string(R"({"lifetime":)") + text + "}"), seconds{600});
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(read->lifetime, seconds{count}) << text;
  }
  for (const char* text : {"0", "-1", "601", "1.5", "1e99", "99999999999999999999", "\"60\"",
                           "null", "true", "[60]"}) {
    const auto read =
        parse_issue_body(with(std::string(R"({"lifetime":)") + text + "}"), seconds{600});
    EXPECT_TRUE(contains(refusal(read), "lifetime")) << text;
  }
  EXPECT_TRUE(
      contains(refusal(parse_issue_body(with(R"({"lifetime":11})"), seconds{10})), "1 to 10"));
}

TEST(RevokeBody, NeedsASubjectSoThatNobodyRevokesTheCodesOfAllWithoutOne) {
  const auto all = parse_revoke_body(with(R"({"subject":"ada"})"));
  ASSERT_TRUE(all);
  EXPECT_EQ(all->subject, "ada");
  EXPECT_FALSE(all->purpose);
  const auto one = parse_revoke_body(with(R"({"subject":"ada","purpose":""})"));
  ASSERT_TRUE(one);
  EXPECT_EQ(one->purpose, "") << "codes without a purpose, not those of every purpose";
  for (const char* body : {"{}", R"({"subject":""})", R"({"purpose":"sign-in"})"}) {
    EXPECT_TRUE(contains(refusal(parse_revoke_body(with(body))), "subject")) << body;
  }
}

TEST(Bodies, ParametersOfTheContentTypeDoNotMatter) {
  EXPECT_TRUE(parse_verify_body(with(R"({"code":"x"})", "Application/JSON; charset=utf-8")));
}

TEST(Bodies, WithoutALengthGet411) {
  http::Request request = with("");
  request.headers.remove("Content-Length");
  const auto read = parse_verify_body(request);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().status, 411);
}

TEST(Bodies, OfOtherContentTypesGet415) {
  for (const char* type :
       {"text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""}) {
    const auto read = parse_verify_body(with(R"({"code":"x"})", type));
    ASSERT_FALSE(read) << type;
    EXPECT_EQ(read.error().status, 415);
  }
}

TEST(Bodies, ThatAreNoSuchJsonGet400AndASentenceAboutTheMember) {
  const std::pair<const char*, const char*> rows[] = {
      {"", "not a JSON object"},
      {"[]", "not a JSON object"},
      {R"("ojE-161-pTv")", "not a JSON object"},
      {"{\"code\":\"x\"", "not a JSON object"},
      {"[[[[[[[[[[[[[[[[", "not a JSON object"},
      {"{\"code\":\"\xFF\"}", "not a JSON object"},
      {R"({"code":"\ud800"})", "not a JSON object"},
      {"{}", "code\\\" is missing"},
      {R"({"code":7})", "code\\\" must be a string"},
      {R"({"code":null})", "code\\\" must be a string"},
      {R"({"code":"x","subject":[]})", "subject\\\" must be a string"},
      {R"({"code":"x","purpose":1})", "purpose\\\" must be a string"}};
  for (const auto& [body, sentence] : rows) {
    const std::string detail = refusal(parse_verify_body(with(body)));
    EXPECT_TRUE(contains(detail, sentence)) << body << detail;
  }
}

TEST(Bodies, AMisspeltMemberIsRefusedForItWouldLeaveACodeUnbound) {
  EXPECT_TRUE(contains(refusal(parse_issue_body(with(R"({"subjct":"ada"})"), seconds{600})),
                       "besides subject, purpose, lifetime"));
  EXPECT_TRUE(contains(refusal(parse_verify_body(with(R"({"code":"x","Subject":"ada"})"))),
                       "besides code, subject, purpose"));
  refusal(parse_revoke_body(with(R"({"subject":"ada","code":"x"})")));
}

TEST(Bodies, MembersHaveALimitInBytes) {
  const std::string most(kMemberBytesMax, 'a');
  for (const char* name : {"code", "subject", "purpose"}) {
    const std::string start = std::string(R"({"code":"x",")") + name + R"(":")" + most;
    EXPECT_TRUE(parse_verify_body(with(start + "\"}"))) << name;
    EXPECT_TRUE(contains(refusal(parse_verify_body(with(start + "a\"}"))), name));
  }
}

TEST(Bodies, ControlCharactersStayOutOfWhatIsLogged) {
  for (const char* bad : {"\\u0000", "\\n", "\\r", "\\u001b", "\\u007f", "\\u0080", "\\u009f",
                          "\\u2028", "\\u2029"}) {
    for (const std::string_view name : {"subject", "purpose"}) {
      const std::string member = "\"" + std::string(name) + "\":\"a" + std::string(bad) + "b\"";
      EXPECT_TRUE(contains(refusal(parse_issue_body(with("{" + member + "}"), seconds{600})), name))
          << bad;
    }
  }
  // Letters whose UTF-8 holds the same bytes are nobody's control characters.
  for (const char* good : {"\\u00a0", "\\u00e9", "\\u2027", "\\u4e28", "\\ud83d\\ude00"}) {
    EXPECT_TRUE(parse_issue_body(with(R"({"subject":")" + std::string(good) + "\"}"), seconds{600}))
        << good;
  }
}

TEST(Bodies, AnErrorNeverRepeatsWhatWasSent) {
  for (const char* body : {R"({"code":["ojE-161-pTv"]})", R"({"ojE-161-pTv":1})",
                           R"({"code":"x","subject":"ojE-161-pTv\n"})"}) {
    EXPECT_FALSE(contains(refusal(parse_verify_body(with(body))), "ojE-161-pTv")) << body;
  }
}

}  // namespace
}  // namespace latchkey::service
