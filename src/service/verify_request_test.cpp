#include "service/verify_request.hpp"

#include <gtest/gtest.h>

namespace latchkey::service {
namespace {

http::Request request_with(std::string body, std::string_view type = "application/json") {
  http::Request request;
  request.method = http::Method::post;
  request.headers.set("Content-Type", type);
  request.headers.set("Content-Length", std::to_string(body.size()));
  request.body = std::move(body);
  return request;
}

TEST(VerifyRequest, ReadsCodeSubjectAndPurpose) {
  const auto read = parse_verify_request(
      request_with(R"({"code":"ojE-161-pTv","subject":"ada","purpose":"sign-in","other":1})"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->code.reveal(), "ojE-161-pTv");
  EXPECT_EQ(read->binding.subject, "ada");
  EXPECT_EQ(read->binding.purpose, "sign-in");
}

TEST(VerifyRequest, ParametersOfTheContentTypeDoNotMatter) {
  EXPECT_TRUE(
      parse_verify_request(request_with(R"({"code":"x"})", "Application/JSON; charset=utf-8")));
}

TEST(VerifyRequest, ABodyWithoutALengthGets411) {
  http::Request request = request_with("");
  request.headers.remove("Content-Length");
  const auto read = parse_verify_request(request);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().status, 411);
}

TEST(VerifyRequest, OtherContentTypesGet415) {
  for (const char* type :
       {"text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""}) {
    const auto read = parse_verify_request(request_with(R"({"code":"x"})", type));
    ASSERT_FALSE(read) << type;
    EXPECT_EQ(read.error().status, 415);
  }
}

TEST(VerifyRequest, WhatIsNoSuchJsonGets400AndASentenceAboutTheMember) {
  const std::pair<const char*, const char*> rows[] = {
      {"", "not a JSON object"},
      {"[]", "not a JSON object"},
      {R"("ojE-161-pTv")", "not a JSON object"},
      {"{\"code\":\"x\"", "not a JSON object"},
      {"[[[[[[[[[[[[[[[[", "not a JSON object"},
      {"{}", "code\\\" is missing"},
      {R"({"code":7})", "code\\\" must be a string"},
      {R"({"code":null})", "code\\\" must be a string"},
      {R"({"code":"x","subject":[]})", "subject\\\" must be a string"}};
  for (const auto& [body, sentence] : rows) {
    const auto read = parse_verify_request(request_with(body));
    ASSERT_FALSE(read) << body;
    EXPECT_EQ(read.error().status, 400) << body;
    EXPECT_NE(read.error().body.find(sentence), std::string::npos) << read.error().body;
  }
}

TEST(VerifyRequest, MembersHaveALimit) {
  const auto read =
      parse_verify_request(request_with(R"({"code":")" + std::string(257, 'a') + R"("})"));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().status, 400);
}

TEST(VerifyRequest, AnErrorNeverRepeatsWhatWasSent) {
  const auto read = parse_verify_request(request_with(R"({"code":["ojE-161-pTv"]})"));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().body.find("ojE-161-pTv"), std::string::npos);
}

}  // namespace
}  // namespace latchkey::service
