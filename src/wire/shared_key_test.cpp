#include "wire/shared_key.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "wire/connection_string.hpp"

namespace latchkey::wire {
namespace {

struct Example {
  http::Method method = http::Method::get;
  std::string path = "/";
  http::Query query;
  http::Headers headers;
  std::size_t content_length = 0;

  SignedRequest request() const {
    return {.method = method,
            .path = path,
            .query = &query,
            .headers = &headers,
            .content_length = content_length};
  }
};

Secret development_key() {
  return Secret(std::string(kDevelopmentKey));
}

TEST(SharedKey, MatchesThePublishedExample) {
  // REST reference, "Authorize with Shared Key": Get Container Metadata.
  Example example;
  example.path = "/mycontainer";
  example.query = {{"restype", "container"}, {"comp", "metadata"}, {"timeout", "20"}};
  example.headers = {{"x-ms-version", "2015-02-21"},
                     {"x-ms-date", "Fri, 26 Jun 2015 23:39:12 GMT"}};
  const std::string text = shared_key_string_to_sign(example.request(), "myaccount");
  EXPECT_EQ(text,
            "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\n"
            "x-ms-version:2015-02-21\n/myaccount/mycontainer\ncomp:metadata\n"
            "restype:container\ntimeout:20");
  // Signature computed apart, with Python's hmac.
  EXPECT_EQ(sign_with_key(text, development_key()), "1u9lui2jDxj0+fpbHjQ5m5NnastJRSYM+PSmfi8TXx4=");
}

TEST(SharedKey, TablesSignTheDateAndCompOnly) {
  // REST reference, "Authorize with Shared Key": the Table service's form.
  Example example;
  example.method = http::Method::post;
  example.path = "/mytable(PartitionKey='a%20b',RowKey='c')";
  example.query = {{"timeout", "20"}, {"comp", "acl"}};
  example.headers = {{"Content-Type", "application/json"},
                     {"Date", "Sun, 11 Oct 2009 19:52:39 GMT"},
                     {"x-ms-version", "2020-12-06"},
                     {"If-Match", "*"}};
  const std::string rest = "/myaccount/mytable(PartitionKey='a%20b',RowKey='c')?comp=acl";
  EXPECT_EQ(shared_key_table_string_to_sign(example.request(), "myaccount"),
            "POST\n\napplication/json\nSun, 11 Oct 2009 19:52:39 GMT\n" + rest);
  example.headers.add("x-ms-date", "Mon, 12 Oct 2009 00:00:00 GMT");
  EXPECT_EQ(shared_key_table_string_to_sign(example.request(), "myaccount"),
            "POST\n\napplication/json\nMon, 12 Oct 2009 00:00:00 GMT\n" + rest);
}

TEST(SharedKey, SortsAndJoinsSeveralValuesOfAParameter) {
  // REST reference: ?restype=container&comp=list&include=snapshots&include=metadata&...
  Example example;
  example.path = "/mycontainer";
  example.query = {{"restype", "container"},
                   {"comp", "list"},
                   {"include", "snapshots"},
                   {"include", "metadata"},
                   {"include", "uncommittedblobs"}};
  const std::string text = shared_key_string_to_sign(example.request(), "myaccount");
  EXPECT_TRUE(
      text.ends_with("/myaccount/mycontainer\ncomp:list\n"
                     "include:metadata,snapshots,uncommittedblobs\nrestype:container"))
      << text;
}

TEST(SharedKey, PutsEveryStandardHeaderOnItsLine) {
  Example example;
  example.method = http::Method::put;
  example.content_length = 11;
  example.headers = {{"range", "bytes=0-1"},
                     {"If-Unmodified-Since", "d3"},
                     {"If-None-Match", "n"},
                     {"If-Match", "m"},
                     {"If-Modified-Since", "d2"},
                     {"Date", " d1 "},
                     {"Content-Type", "application/xml"},
                     {"Content-MD5", "md5"},
                     {"Content-Length", "999"},
                     {"Content-Language", "en"},
                     {"Content-Encoding", "gzip"},
                     {"Accept", "ignored"}};
  EXPECT_EQ(shared_key_string_to_sign(example.request(), "acc"),
            "PUT\ngzip\nen\n11\nmd5\napplication/xml\nd1\nd2\nm\nn\nd3\nbytes=0-1\n/acc/");
}

TEST(SharedKey, SignsAPutMessageInPathStyle) {
  Example example;
  example.method = http::Method::post;
  example.path = "/devstoreaccount1/code-requests/messages";
  example.query = {{"visibilitytimeout", "0"}};
  example.headers = {{"Content-Type", "application/xml"},
                     {"x-ms-date", "Wed, 15 Apr 2020 16:54:48 GMT"},
                     {"x-ms-version", "2026-04-06"}};
  example.content_length = 60;
  const std::string text = shared_key_string_to_sign(example.request(), kDevelopmentAccount);
  EXPECT_EQ(text,
            "POST\n\n\n60\n\napplication/xml\n\n\n\n\n\n\nx-ms-date:Wed, 15 Apr 2020 16:54:48 GMT\n"
            "x-ms-version:2026-04-06\n/devstoreaccount1/devstoreaccount1/code-requests/messages\n"
            "visibilitytimeout:0");
  EXPECT_EQ(sign_with_key(text, development_key()), "oqYqPvnQqwk5bhbOgl3xNPYCdGjXEWFnScNso4hsuQ8=");
}

TEST(SharedKey, LeavesDateEmptyWhenXMsDateIsThere) {
  Example example;
  example.headers = {{"Date", "d"}, {"X-MS-Date", "x"}};
  EXPECT_EQ(shared_key_string_to_sign(example.request(), "acc"),
            "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:x\n/acc/");
}

TEST(SharedKey, KeepsThePathEncodedAndTakesTheQueryDecoded) {
  Example example;
  example.path = "/q/messages/a%2Fb%20c";
  example.query = {{"PopReceipt", "Ab+/=="}, {"empty", ""}, {"popreceipt", "AA"}};
  const std::string text = shared_key_string_to_sign(example.request(), "acc");
  EXPECT_TRUE(text.ends_with("/acc/q/messages/a%2Fb%20c\nempty:\npopreceipt:AA,Ab+/==")) << text;
}

TEST(SharedKey, NeverLetsAKeyOfTheQueryPassForAnother) {
  Example example;
  example.path = "";
  example.query = {{"a-b", "2"}, {"a", "1"}, {"a", "0"}};
  EXPECT_TRUE(shared_key_string_to_sign(example.request(), "acc").ends_with("/acc/\na:0,1\na-b:2"));
}

TEST(SharedKey, TakesXMsHeadersInTheServicesOrderAndJoinsRepeatedOnes) {
  const std::vector<std::string> expected = {
      "x-ms-client-request-id", "x-ms-date",    "x-ms-meta-_",   "x-ms-meta-a",  "x-ms-meta-a_",
      "x-ms-meta-a1",           "x-ms-meta-aa", "x-ms-meta-a-a", "x-ms-meta-ab", "x-ms-version"};
  std::vector<std::string> names = expected;
  std::sort(names.begin(), names.end());
  do {
    Example example;
    for (const std::string& name : names) example.headers.add("X-Ms-" + name.substr(5), " v ");
    std::string lines;
    for (const std::string& name : expected) lines += name + ":v\n";
    ASSERT_NE(shared_key_string_to_sign(example.request(), "acc").find("\n\n" + lines + "/acc"),
              std::string::npos);
    std::rotate(names.begin(), names.begin() + 1, names.end());
  } while (!std::is_sorted(names.begin(), names.end()));

  Example repeated;
  repeated.headers = {{"x-ms-meta-a", "1"}, {"x-ms-b", "2"}, {"X-MS-Meta-A", " 3"}};
  EXPECT_TRUE(shared_key_string_to_sign(repeated.request(), "acc")
                  .ends_with("x-ms-b:2\nx-ms-meta-a:1,3\n/acc/"));
}

TEST(SharedKeyLite, MatchesThePublishedExample) {
  // REST reference, "Authorize with Shared Key": Put Blob, Lite form.
  Example example;
  example.method = http::Method::put;
  example.path = "/mycontainer/hello.txt";
  example.content_length = 11;
  example.headers = {{"Content-Type", "text/plain; charset=UTF-8"},
                     {"x-ms-date", "Sun, 20 Sep 2009 20:36:40 GMT"},
                     {"x-ms-meta-m1", "v1"},
                     {"x-ms-meta-m2", "v2"}};
  EXPECT_EQ(shared_key_lite_string_to_sign(example.request(), "testaccount1"),
            "PUT\n\ntext/plain; charset=UTF-8\n\nx-ms-date:Sun, 20 Sep 2009 20:36:40 GMT\n"
            "x-ms-meta-m1:v1\nx-ms-meta-m2:v2\n/testaccount1/mycontainer/hello.txt");
}

TEST(SharedKeyLite, TakesOnlyCompFromTheQuery) {
  Example example;
  example.path = "/q";
  example.query = {{"timeout", "20"}, {"Comp", "metadata"}};
  example.headers = {{"Date", "d"}};
  EXPECT_EQ(shared_key_lite_string_to_sign(example.request(), "acc"),
            "GET\n\n\nd\n/acc/q?comp=metadata");
}

TEST(SharedKey, SignsTheEmptyText) {
  EXPECT_EQ(sign_with_key("", development_key()), "RNeMV4QhAsdhJ2sGUgufA/AfRsaKXZU2cEJdUsvj4NY=");
}

TEST(SharedKeyDeathTest, DoesNotSignWithAKeyThatIsNotBase64) {
  EXPECT_DEATH((void)sign_with_key("text", Secret("not base64!")), "");
}

TEST(SharedKeyAuthorization, IsTakenApart) {
  const auto full = parse_shared_key_authorization("SharedKey acc:c2ln=");
  ASSERT_TRUE(full);
  EXPECT_FALSE(full->lite);
  EXPECT_EQ(full->account, "acc");
  EXPECT_EQ(full->signature, "c2ln=");
  const auto lite = parse_shared_key_authorization(" sharedkeylite  acc-secondary:c2ln ");
  ASSERT_TRUE(lite);
  EXPECT_TRUE(lite->lite);
  EXPECT_EQ(lite->account, "acc-secondary");
}

TEST(SharedKeyAuthorization, IsRefusedInAnyOtherForm) {
  for (std::string_view header : {"", "SharedKey", "SharedKey ", "SharedKey acc", "SharedKey acc:",
                                  "SharedKey :sig", "SharedKey acc:sig more", "SharedKeyacc:sig",
                                  "SharedKeyLiteacc:sig", "Bearer acc:sig", "SharedKeyLite acc:"}) {
    const auto parsed = parse_shared_key_authorization(header);
    ASSERT_FALSE(parsed) << header;
    EXPECT_EQ(parsed.error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(parsed.error().code, "InvalidAuthenticationInfo");
    EXPECT_EQ(parsed.error().message.find("sig "), std::string::npos);
  }
}

}  // namespace
}  // namespace latchkey::wire
