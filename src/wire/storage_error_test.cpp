#include "wire/storage_error.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/time_text.hpp"
#include "wire/answer_error.hpp"
#include "wire/storage_error_table.hpp"

namespace latchkey::wire {
namespace {

const UtcTime kNow = *from_iso8601("2020-04-15T16:54:48.816549Z");

TEST(StorageErrorTable, IsSortedAndEveryRowIsFound) {
  const auto table = storage_error_table();
  EXPECT_TRUE(std::is_sorted(table.begin(), table.end(),
                             [](const auto& a, const auto& b) { return a.code < b.code; }));
  for (const StorageErrorRow& row : table) {
    EXPECT_EQ(find_storage_error(row.code), &row) << row.code;
    EXPECT_GE(row.status, 400) << row.code;
    EXPECT_LT(row.status, 600) << row.code;
    EXPECT_TRUE(row.message.ends_with('.')) << row.code;
    EXPECT_EQ(first_line(row.message), row.message) << row.code;
  }
  EXPECT_EQ(find_storage_error("NoSuchCode"), nullptr);
  EXPECT_EQ(find_storage_error(""), nullptr);
  EXPECT_EQ(find_storage_error("queuenotfound"), nullptr);
}

TEST(StorageErrorTable, HasThePublishedStatusOfEveryCodeThatQueuesUse) {
  struct Row {
    std::string_view code;
    int status;
  };
  const Row rows[] = {
      {"AuthenticationFailed", 403},
      {"AuthorizationFailure", 403},
      {"AuthorizationPermissionMismatch", 403},
      {"AuthorizationProtocolMismatch", 403},
      {"AuthorizationResourceTypeMismatch", 403},
      {"AuthorizationServiceMismatch", 403},
      {"AuthorizationSourceIPMismatch", 403},
      {"CorsPreflightFailure", 403},
      {"InternalError", 500},
      {"InvalidAuthenticationInfo", 401},
      {"InvalidHeaderValue", 400},
      {"InvalidMarker", 400},
      {"InvalidMetadata", 400},
      {"InvalidQueryParameterValue", 400},
      {"InvalidResourceName", 400},
      {"InvalidUri", 400},
      {"InvalidXmlDocument", 400},
      {"KeyBasedAuthenticationNotPermitted", 403},
      {"MessageNotFound", 404},
      {"MessageTooLarge", 400},
      {"MetadataTooLarge", 400},
      {"MissingContentLengthHeader", 411},
      {"MissingRequiredQueryParameter", 400},
      {"NoAuthenticationInformation", 401},
      {"OperationTimedOut", 500},
      {"OutOfRangeInput", 400},
      {"OutOfRangeQueryParameterValue", 400},
      {"PopReceiptMismatch", 400},
      {"QueueAlreadyExists", 409},
      {"QueueBeingDeleted", 409},
      {"QueueDisabled", 409},
      {"QueueNotEmpty", 409},
      {"QueueNotFound", 404},
      {"RequestBodyTooLarge", 413},
      {"ResourceNotFound", 404},
      {"ServerBusy", 503},
      {"UnsupportedHttpVerb", 405},
      {"UnsupportedQueryParameter", 400},
  };
  for (const Row& row : rows) {
    const StorageError error = storage_error(row.code);
    EXPECT_EQ(error.status, row.status) << row.code;
    EXPECT_EQ(error.code, row.code);
  }
}

TEST(StorageErrorDeathTest, RefusesACodeOfOurOwnInvention) {
  EXPECT_DEATH((void)storage_error("NoSuchCode"), "");
}

TEST(StorageError, IsRenderedAsTheServiceDoes) {
  StorageError error = storage_error("QueueNotFound");
  error.headers = {{"Retry-After", "3"}};
  const http::Response response = render_storage_error(error, "id-1", kNow);
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.reason, "The specified queue does not exist.");
  EXPECT_EQ(response.headers.find("x-ms-error-code"), "QueueNotFound");
  EXPECT_EQ(response.headers.find("Content-Type"), "application/xml");
  EXPECT_EQ(response.headers.find("Retry-After"), "3");
  EXPECT_EQ(response.body,
            "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>QueueNotFound"
            "</Code><Message>The specified queue does not exist.\nRequestId:id-1\n"
            "Time:2020-04-15T16:54:48.8165490Z</Message></Error>");
}

TEST(StorageError, CarriesDetailElementsEscaped) {
  const auto error =
      storage_error("InvalidQueryParameterValue", {{"QueryParameterName", "numofmessages"},
                                                   {"QueryParameterValue", "<a&\x01\xFF>"},
                                                   {"Reason", "not a number"}});
  const std::string body = render_storage_error(error, "id", kNow).body;
  EXPECT_NE(body.find("</Message><QueryParameterName>numofmessages</QueryParameterName>"
                      "<QueryParameterValue>&lt;a&amp;\xEF\xBF\xBD\xEF\xBF\xBD&gt;"
                      "</QueryParameterValue><Reason>not a number</Reason></Error>"),
            std::string::npos)
      << body;
}

TEST(StorageError, ItsReasonPhraseCannotSmuggleALineIntoTheHead) {
  StorageError error = storage_error("InternalError");
  error.message = "one\r\nX-Evil: two";
  EXPECT_EQ(render_storage_error(error, "id", kNow).reason, "one");
}

TEST(StorageError, ComesBackAsTheClientsError) {
  for (const StorageErrorRow& row : storage_error_table()) {
    http::Response response = render_storage_error(storage_error(row.code), "id", kNow);
    response.headers.set("x-ms-request-id", "id");
    const Error error = storage_error_from(response, "queue code-requests");
    EXPECT_EQ(error.code, row.code);
    EXPECT_EQ(error.kind, kind_of_status(row.status)) << row.code;
    EXPECT_EQ(error.http_status, row.status);
    EXPECT_EQ(error.request_id, "id");
    EXPECT_TRUE(error.message.starts_with("queue code-requests: " + std::string(row.message)))
        << error.message;
    EXPECT_EQ(error.message.find("RequestId"), std::string::npos);
  }
}

TEST(StorageError, IsUnderstoodWithoutABodyAsHeadAnswersIt) {
  http::Response response;
  response.status = 404;
  response.headers.set("x-ms-error-code", "QueueNotFound");
  EXPECT_EQ(storage_error_from(response, "queue q").message,
            "queue q: The specified queue does not exist.");
  EXPECT_EQ(storage_error_from(response, "queue q").code, "QueueNotFound");
}

TEST(StorageError, ReadsTheCodeFromTheBodyWhereTheHeaderIsMissing) {
  http::Response response;
  response.status = 409;
  response.body =
      "<Error><Code>QueueBeingDeleted</Code><Message>Gone soon.\nTime:x</Message></Error>";
  const Error error = storage_error_from(response, "queue q");
  EXPECT_EQ(error.code, "QueueBeingDeleted");
  EXPECT_EQ(error.kind, ErrorKind::conflict);
  EXPECT_EQ(error.message, "queue q: Gone soon.");
}

TEST(StorageError, ReadsTheJsonOfTables) {
  http::Response response;
  response.status = 412;
  response.body =
      R"({"odata.error":{"code":"UpdateConditionNotSatisfied","message":{"lang":"en-US",)"
      R"("value":"The update condition was not satisfied.\nRequestId:1\nTime:2"}}})";
  const Error error = storage_error_from(response, "table codes");
  EXPECT_EQ(error.kind, ErrorKind::conflict);
  EXPECT_EQ(error.code, "UpdateConditionNotSatisfied");
  EXPECT_EQ(error.message, "table codes: The update condition was not satisfied.");
  for (const char* body : {"{", R"({"odata.error":1})", R"({"odata.error":{"message":"x"}})"}) {
    response.body = body;
    EXPECT_EQ(storage_error_from(response, "table codes").kind, ErrorKind::conflict) << body;
  }
}

TEST(StorageError, SurvivesAnyBody) {
  for (std::string_view body : {"", "<", "<html>502</html>", "{\"error\":1}", "\xFF\xFE",
                                "<Error/>", "<Error><Code><x/></Code></Error>"}) {
    http::Response response;
    response.status = 502;
    response.body = body;
    const Error error = storage_error_from(response, "queue q");
    EXPECT_EQ(error.kind, ErrorKind::unavailable);
    EXPECT_EQ(error.code, "");
    EXPECT_EQ(error.message, "queue q: HTTP 502 Bad Gateway") << body;
  }
}

TEST(StorageError, TellsTheRemedyAndLeavesAMissingRoleToTheClient) {
  const auto message = [](std::string_view code) {
    return storage_error_from(render_storage_error(storage_error(code), "", kNow), "queue q")
        .message;
  };
  EXPECT_NE(message("KeyBasedAuthenticationNotPermitted").find("Use an identity instead"),
            std::string::npos);
  EXPECT_TRUE(message("AuthorizationPermissionMismatch").ends_with("using this permission."));
}

TEST(AnswerError, KindFollowsTheStatus) {
  struct Row {
    int status;
    ErrorKind kind;
  };
  const Row rows[] = {
      {400, ErrorKind::invalid_argument}, {401, ErrorKind::denied},
      {403, ErrorKind::denied},           {404, ErrorKind::not_found},
      {405, ErrorKind::invalid_argument}, {408, ErrorKind::timeout},
      {409, ErrorKind::conflict},         {410, ErrorKind::not_found},
      {411, ErrorKind::invalid_argument}, {412, ErrorKind::conflict},
      {413, ErrorKind::invalid_argument}, {429, ErrorKind::throttled},
      {500, ErrorKind::unavailable},      {502, ErrorKind::unavailable},
      {503, ErrorKind::unavailable},      {504, ErrorKind::timeout},
      {302, ErrorKind::protocol},         {200, ErrorKind::protocol},
      {100, ErrorKind::protocol},         {999, ErrorKind::protocol},
  };
  for (const Row& row : rows) EXPECT_EQ(kind_of_status(row.status), row.kind) << row.status;
}

TEST(AnswerError, ReadsRetryAfterInSecondsOrAsADate) {
  using std::chrono::milliseconds;
  struct Row {
    std::string_view text;
    std::optional<milliseconds> wait;
  };
  const Row rows[] = {
      {"3", milliseconds{3000}},
      {" 0 ", milliseconds{0}},
      {"-5", milliseconds{0}},
      {"2000000000", std::chrono::hours{24}},
      {"99999999999999999999", std::nullopt},
      {"soon", std::nullopt},
      {"", std::nullopt},
      {"Wed, 15 Apr 2020 16:54:58 GMT", milliseconds{10'000}},
      {"Wed, 15 Apr 2020 16:54:38 GMT", milliseconds{0}},
  };
  for (const Row& row : rows) {
    http::Response response;
    response.status = 503;
    response.headers.set("Retry-After", row.text);
    response.headers.set("Date", "Wed, 15 Apr 2020 16:54:48 GMT");
    EXPECT_EQ(answer_error(response, "x", "", "").retry_after, row.wait) << row.text;
  }
  EXPECT_EQ(answer_error(http::Response{}, "x", "", "").retry_after, std::nullopt);
}

TEST(AnswerError, FirstLineIsCutAtACharactersBorder) {
  EXPECT_EQ(first_line("a\nb"), "a");
  EXPECT_EQ(first_line("a\tb\x7F"), "a b ");
  EXPECT_EQ(first_line("abc", 2), "ab");
  EXPECT_EQ(first_line("a\xC3\xA4", 2), "a");
  EXPECT_EQ(first_line("\xC3\xA4", 1), "");
}

TEST(AnswerError, OneLineKeepsAllLinesAsOne) {
  EXPECT_EQ(one_line(" a\r\n\r\nb \tc\n", 100), "a b c");
  EXPECT_EQ(one_line("a\nb", 2), "a ");
  EXPECT_EQ(one_line("", 2), "");
}

}  // namespace
}  // namespace latchkey::wire
