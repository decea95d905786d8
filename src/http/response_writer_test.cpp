#include "http/response_writer.hpp"

#include <gtest/gtest.h>

namespace latchkey::http {
namespace {

constexpr std::string_view kDate = "Date: D\r\n";

std::string rendered(const Response& response, const AnswerForm& form = {}) {
  std::string out;
  render(response, form, kDate, out);
  return out;
}

Response with_body(std::string body) {
  Response response;
  response.body = std::move(body);
  return response;
}

TEST(ResponseWriter, WritesStatusFieldsDateLengthAndBody) {
  Response response = text_response(404, "gone");
  response.headers.add("x-ms-request-id", "1");
  EXPECT_EQ(rendered(response),
            "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "x-ms-request-id: 1\r\nDate: D\r\nContent-Length: 4\r\n\r\ngone");
}

TEST(ResponseWriter, HeadKeepsTheLengthThatGetWouldHave) {
  EXPECT_EQ(rendered(with_body("four"), {.to_head = true}),
            "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 4\r\n\r\n");
  Response stated;
  stated.headers.add("Content-Length", "77");
  EXPECT_EQ(rendered(stated, {.to_head = true}),
            "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 77\r\n\r\n");
}

TEST(ResponseWriter, LengthIsWhatIsSentWhateverTheHandlerSays) {
  Response response = with_body("four");
  response.headers.add("content-length", "9999");
  response.headers.add("Transfer-Encoding", "chunked");
  EXPECT_EQ(rendered(response), "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 4\r\n\r\nfour");
}

TEST(ResponseWriter, SomeStatusesHaveNoBodyAndNoLength) {
  for (const int status : {204, 304}) {
    Response response = with_body("dropped");
    response.status = status;
    for (const bool chunked : {false, true}) {
      response.chunked = chunked;
      const std::string text = rendered(response);
      EXPECT_EQ(text.find("Length"), std::string::npos) << text;
      EXPECT_EQ(text.find("Transfer"), std::string::npos) << text;
      EXPECT_TRUE(text.ends_with("Date: D\r\n\r\n")) << text;
    }
  }
}

TEST(ResponseWriter, ChunkedIsForHttp11Only) {
  Response response = with_body("0123456789abcdef!");
  response.chunked = true;
  EXPECT_EQ(rendered(response),
            "HTTP/1.1 200 OK\r\nDate: D\r\nTransfer-Encoding: chunked\r\n\r\n"
            "11\r\n0123456789abcdef!\r\n0\r\n\r\n");
  EXPECT_EQ(rendered(response, {.to_http10 = true, .keep_alive = false}),
            "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 17\r\nConnection: close\r\n\r\n"
            "0123456789abcdef!");
  EXPECT_EQ(rendered(response, {.to_head = true}),
            "HTTP/1.1 200 OK\r\nDate: D\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST(ResponseWriter, EmptyChunkedBodyIsTheLastChunkAlone) {
  Response response;
  response.chunked = true;
  EXPECT_TRUE(rendered(response).ends_with("\r\n\r\n0\r\n\r\n"));
}

TEST(ResponseWriter, ConnectionIsSaidWhereItIsNotUnderstood) {
  const Response response;
  const std::string close = "Connection: close\r\n";
  const std::string keep = "Connection: keep-alive\r\n";
  EXPECT_EQ(rendered(response).find("Connection"), std::string::npos);
  EXPECT_NE(rendered(response, {.keep_alive = false}).find(close), std::string::npos);
  EXPECT_NE(rendered(response, {.to_http10 = true}).find(keep), std::string::npos);
}

TEST(ResponseWriter, HandlerMayAskForTheEnd) {
  Response response;
  response.headers.add("connection", "Close");
  std::string out;
  EXPECT_FALSE(render(response, {}, kDate, out));
  EXPECT_EQ(out, "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(render(Response{}, {}, kDate, out));
}

TEST(ResponseWriter, NobodySmugglesLinesThroughReasonOrFields) {
  Response response;
  response.reason = "a\r\nSet-Cookie: x";
  response.headers.add("X-A\r\n", "b\r\n\r\nbody\n");
  EXPECT_EQ(rendered(response),
            "HTTP/1.1 200 a  Set-Cookie: x\r\nX-A  : b    body \r\nDate: D\r\n"
            "Content-Length: 0\r\n\r\n");
}

TEST(ResponseWriter, HandlersDateStays) {
  Response response;
  response.headers.add("Date", "mine");
  EXPECT_EQ(rendered(response), "HTTP/1.1 200 OK\r\nDate: mine\r\nContent-Length: 0\r\n\r\n");
}

TEST(DateLine, ChangesWithTheSecond) {
  DateLine line;
  const UtcTime start{std::chrono::seconds{1'586'969'688}};
  EXPECT_EQ(line.at(start), "Date: Wed, 15 Apr 2020 16:54:48 GMT\r\n");
  EXPECT_EQ(line.at(start + std::chrono::milliseconds{999}).substr(23, 8), "16:54:48");
  EXPECT_EQ(line.at(start + std::chrono::seconds{1}).substr(23, 8), "16:54:49");
  EXPECT_EQ(line.at(start).substr(23, 8), "16:54:48");
}

}  // namespace
}  // namespace latchkey::http
