#include "cloud/functions/host_json.hpp"

#include <gtest/gtest.h>

#include <string>

namespace latchkey::cloud {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

std::string with(std::string_view more) {
  return R"({"version":"2.0","customHandler":{"description":{"defaultExecutablePath":"handler"}})" +
         std::string(more) + "}";
}

HostJson read(const std::string& text, ConfigProblems& problems) {
  return read_host_json(text, problems);
}

TEST(HostJson, SaysNothingThenTheRealHostsDefaultsHold) {
  ConfigProblems problems;
  const auto host = read(with(""), problems);
  EXPECT_FALSE(problems.error) << problems.error->message;
  EXPECT_TRUE(problems.warnings.empty());
  EXPECT_EQ(host.executable, "handler");
  EXPECT_FALSE(host.forwards_http);
  EXPECT_EQ(host.route_prefix, "api");
  EXPECT_EQ(host.queues.batch_size, 16);
  EXPECT_EQ(host.queues.new_batch_threshold, 8);
  EXPECT_EQ(host.queues.polling_interval_max, 60s);
  EXPECT_EQ(host.queues.retry_delay, 0s);
  EXPECT_EQ(host.queues.dequeue_count_max, 5);
  EXPECT_EQ(host.queues.encoding, MessageEncoding::base64);
}

TEST(HostJson, IsObeyed) {
  ConfigProblems problems;
  const auto host = read(
      R"({"version":"2.0","functionTimeout":"00:05:00","logging":{"x":1},"extensionBundle":{"id":"x"},
          "customHandler":{"description":{"defaultExecutablePath":"h","workingDirectory":"w",
                                          "arguments":["a","b"]},
                           "enableForwardingHttpRequest":true,"type":"http"},
          "extensions":{"http":{"routePrefix":""},
                        "queues":{"batchSize":10,"newBatchThreshold":2,"messageEncoding":"none",
                                  "maxPollingInterval":"00:00:02","visibilityTimeout":"00:00:30",
                                  "maxDequeueCount":3}}})",
      problems);
  EXPECT_FALSE(problems.error) << problems.error->message;
  EXPECT_TRUE(problems.warnings.empty()) << problems.warnings.front();
  EXPECT_TRUE(host.forwards_http);
  EXPECT_EQ(host.working_folder, "w");
  EXPECT_EQ(host.arguments, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(host.route_prefix, "");
  EXPECT_EQ(host.function_timeout, milliseconds{5min});
  EXPECT_EQ(host.queues.batch_size, 10);
  EXPECT_EQ(host.queues.new_batch_threshold, 2);
  EXPECT_EQ(host.queues.encoding, MessageEncoding::none);
  EXPECT_EQ(host.queues.polling_interval_max, 2s);
  EXPECT_EQ(host.queues.retry_delay, 30s);
  EXPECT_EQ(host.queues.dequeue_count_max, 3);
}

TEST(HostJson, WrongFieldsAreNamed) {
  const auto queues = [](std::string_view field) {
    return with(R"(,"extensions":{"queues":{)" + std::string(field) + "}}");
  };
  const std::pair<std::string, const char*> rows[] = {
      {"[]", "host.json is not a JSON object"},
      {R"({"customHandler":{}})", "host.json: version is missing"},
      {R"({"version":"1.0"})", "host.json: version must be \"2.0\""},
      {R"({"version":"2.0"})", "host.json: customHandler is missing"},
      {R"({"version":"2.0","customHandler":{}})",
       "host.json: customHandler.description is missing"},
      {R"({"version":"2.0","customHandler":{"description":{}}})",
       "host.json: customHandler.description.defaultExecutablePath is missing"},
      {with(R"(,"functionTimeout":"5m")"), "host.json: functionTimeout must be"},
      {queues(R"("batchSize":33)"),
       "host.json: extensions.queues.batchSize must be a number from 1"},
      {queues(R"("batchSize":"8")"), "host.json: extensions.queues.batchSize must be"},
      {queues(R"("messageEncoding":"utf8")"),
       "host.json: extensions.queues.messageEncoding must be base64 or none"},
      {queues(R"("maxPollingInterval":"00:00:00.05")"),
       "host.json: extensions.queues.maxPollingInterval must be a time"}};
  for (const auto& [text, message] : rows) {
    ConfigProblems problems;
    read(text, problems);
    ASSERT_TRUE(problems.error) << text;
    EXPECT_TRUE(problems.error->message.starts_with(message)) << problems.error->message;
  }
}

TEST(HostJson, WhatThisHostDoesNotHeedIsTold) {
  ConfigProblems problems;
  read(with(R"(,"singleton":{},"extensions":{"queues":{"other":1},"serviceBus":{}})"), problems);
  const std::vector<std::string> expected = {
      "host.json: extensions.queues.other is not supported by the local functions host",
      "host.json: extensions.serviceBus is not supported by the local functions host",
      "host.json: singleton is not supported by the local functions host"};
  EXPECT_EQ(problems.warnings, expected);
}

TEST(HostJson, TimeSpansAreDotNets) {
  EXPECT_EQ(parse_time_span("00:00:02"), 2s);
  EXPECT_EQ(parse_time_span("01:02:03.5"), 1h + 2min + 3s + 500ms);
  EXPECT_EQ(parse_time_span("1.00:00:00"), 24h);
  EXPECT_EQ(parse_time_span("00:00:00.1234567"), 123ms);
  for (const char* text :
       {"", "2", "00:02", "00:00:60", "24:00:00", "-00:00:01", "a:00:00", "1:2:3:4"}) {
    EXPECT_EQ(parse_time_span(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace latchkey::cloud
