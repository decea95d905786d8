#include "cloud/functions/function_json.hpp"

#include <gtest/gtest.h>

#include <string>

namespace latchkey::cloud {
namespace {

using http::Method;

const AppSettings kSettings = {
    {"AzureWebJobsStorage", "UseDevelopmentStorage=true"}, {"QUEUE", "Orders"}, {"OFF", "true"}};

FunctionJson read(const std::string& bindings, ConfigProblems& problems,
                  const AppSettings& settings = kSettings, const std::string& more = "") {
  return read_function_json("work", "{\"bindings\":[" + bindings + "]" + more + "}", settings,
                            problems);
}

constexpr const char* kHttpIn = R"({"type":"httpTrigger","direction":"in","name":"req"})";
constexpr const char* kHttpOut = R"({"type":"http","direction":"out","name":"res"})";
constexpr const char* kQueueIn =
    R"({"type":"queueTrigger","direction":"in","name":"item","queueName":"%QUEUE%-in"})";

TEST(FunctionJson, AnHttpTriggerHasTheRealHostsDefaults) {
  ConfigProblems problems;
  const auto function = read(std::string(kHttpIn) + "," + kHttpOut, problems);
  ASSERT_FALSE(problems.error) << problems.error->message;
  EXPECT_EQ(function.trigger, "req");
  EXPECT_EQ(function.http->level, AuthLevel::function);
  EXPECT_EQ(function.http->methods.size(), 7U);
  EXPECT_EQ(function.http->route, "work");
  EXPECT_TRUE(function.is_plain_http());
}

TEST(FunctionJson, TriggersAndOutputsAreRead) {
  ConfigProblems problems;
  const auto http = read(
      R"({"type":"httpTrigger","name":"r","authLevel":"ANONYMOUS","methods":["get","Post"],
          "route":"v1/{id}"},{"type":"http","direction":"out","name":"$return"},
         {"type":"queue","direction":"out","name":"msg","queueName":"out-q","dataType":"binary"})",
      problems);
  ASSERT_FALSE(problems.error) << problems.error->message;
  EXPECT_EQ(http.http->level, AuthLevel::anonymous);
  EXPECT_EQ(http.http->methods, (std::vector<Method>{Method::get, Method::post}));
  EXPECT_EQ(http.http->route, "v1/{id}");
  EXPECT_EQ(http.http_output, "$return");
  EXPECT_EQ(http.queue_outputs.at(0).queue, "out-q");
  EXPECT_TRUE(http.queue_outputs.at(0).is_binary);
  EXPECT_FALSE(http.is_plain_http());
  const auto queue = read(kQueueIn, problems);
  ASSERT_FALSE(problems.error) << problems.error->message;
  EXPECT_EQ(queue.queue->queue, "orders-in");
  EXPECT_TRUE(problems.warnings.empty());
}

TEST(FunctionJson, DisabledInThreeWays) {
  ConfigProblems problems;
  AppSettings by_name = kSettings;
  by_name["AzureWebJobs.work.Disabled"] = "1";
  EXPECT_FALSE(read(kQueueIn, problems).disabled);
  EXPECT_TRUE(read(kQueueIn, problems, by_name).disabled);
  EXPECT_TRUE(read(kQueueIn, problems, kSettings, R"(,"disabled":true)").disabled);
  EXPECT_TRUE(read(kQueueIn, problems, kSettings, R"(,"disabled":"OFF")").disabled);
  EXPECT_FALSE(read(kQueueIn, problems, kSettings, R"(,"disabled":"NOT_THERE")").disabled);
  EXPECT_FALSE(problems.error);
}

TEST(FunctionJson, WrongBindingsAreNamed) {
  const std::pair<std::string, const char*> rows[] = {
      {"", "work/function.json: bindings has no trigger"},
      {"1", "work/function.json: bindings[0] must be an object"},
      {R"({"name":"x"})", "work/function.json: bindings[0].type is missing"},
      {std::string(kHttpIn) + "," + kQueueIn,
       "work/function.json: bindings[1].type is the second trigger"},
      {R"({"type":"timerTrigger","name":"t"})",
       "work/function.json: bindings[0].type is timerTrigger"},
      {R"({"type":"queue","direction":"in","name":"t","queueName":"abc"})",
       "work/function.json: bindings[0].type is queue with direction in"},
      {R"({"type":"httpTrigger","name":"r","authLevel":"user"})",
       "work/function.json: bindings[0].authLevel must be"},
      {R"({"type":"httpTrigger","name":"r","methods":["fetch"]})",
       "work/function.json: bindings[0].methods has fetch"},
      {R"({"type":"httpTrigger","name":"r","route":"admin/x"})",
       "work/function.json: bindings[0].route must not begin with admin"},
      {R"({"type":"queueTrigger","name":"q","queueName":"%NONE%"})",
       "work/function.json: bindings[0].queueName cannot be resolved: there is no setting NONE"},
      {R"({"type":"queueTrigger","name":"q","queueName":"{id}"})",
       "work/function.json: bindings[0].queueName must be"},
      {R"({"type":"queueTrigger","name":"q","queueName":"abc","connection":"Mine"})",
       "work/function.json: bindings[0].connection cannot be used: there is no setting Mine"},
      {std::string(kQueueIn) + "," + kHttpOut,
       "work/function.json: bindings has an http output without an httpTrigger"}};
  for (const auto& [bindings, message] : rows) {
    ConfigProblems problems;
    read(bindings, problems);
    ASSERT_TRUE(problems.error) << bindings;
    EXPECT_TRUE(problems.error->message.starts_with(message)) << problems.error->message;
  }
}

TEST(FunctionJson, NamesAreThoseOfFunctions) {
  for (const char* name : {"a", "Get-Code_2"}) EXPECT_TRUE(is_function_name(name)) << name;
  for (const char* name : {"", "2a", "host", "Host", "a b", "-a"}) {
    EXPECT_FALSE(is_function_name(name)) << name;
  }
}

TEST(AppSettings, ConnectionsAreFoundAsTheRealHostFindsThem) {
  AppSettings settings = kSettings;
  settings["Mine"] =
      "DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=YWJj;EndpointSuffix=core.windows."
      "net";
  settings["AzureWebJobsOther"] =
      "QueueEndpoint=https://acc.queue.core.windows.net;"
      "SharedAccessSignature=sv=1&sig=x";
  settings["Id__queueServiceUri"] = "https://acc.queue.core.windows.net/";
  settings["Id__credential"] = "managedidentity";
  settings["Id__clientId"] = "c1";
  settings["Name__accountName"] = "acc";
  const auto local = find_connection("", settings);
  ASSERT_TRUE(local) << local.error().message;
  EXPECT_EQ(local->endpoint, "");
  EXPECT_EQ(local->account, "devstoreaccount1");
  EXPECT_TRUE(find_connection("Storage", settings)) << "AzureWebJobs goes before the name";
  EXPECT_EQ(find_connection("Mine", settings)->account, "acc");
  EXPECT_EQ(find_connection("Other", settings)->sas, "sv=1&sig=x");
  const auto by_identity = find_connection("Id", settings);
  ASSERT_TRUE(by_identity) << by_identity.error().message;
  EXPECT_TRUE(by_identity->by_identity);
  EXPECT_EQ(by_identity->endpoint, "https://acc.queue.core.windows.net");
  EXPECT_EQ(by_identity->client_id, "c1");
  EXPECT_EQ(find_connection("Name", settings)->endpoint, "https://acc.queue.core.windows.net");
}

TEST(AppSettings, ConnectionsThatCannotBeAreRefusedWithoutTheirSecret) {
  AppSettings settings;
  settings["Broken"] = "AccountKey=c2VjcmV0";
  settings["Http__queueServiceUri"] = "http://acc.queue.core.windows.net";
  settings["Other__accountName"] = "acc";
  settings["Other__credential"] = "workloadidentity";
  settings["Secret__accountName"] = "acc";
  settings["Secret__clientSecret"] = "c2VjcmV0";
  for (const char* name : {"", "Broken", "Http", "Other", "Secret"}) {
    const auto found = find_connection(name, settings);
    ASSERT_FALSE(found) << name;
    EXPECT_EQ(found.error().message.find("c2VjcmV0"), std::string::npos) << found.error().message;
  }
}

TEST(AppSettings, LocalSettingsJoinAndDoNotReplace) {
  ConfigProblems problems;
  AppSettings settings = {{"A", "ours"}};
  add_local_settings(R"({"IsEncrypted":false,"Values":{"A":"theirs","B":"b"},"Host":{}})", settings,
                     problems);
  EXPECT_EQ(settings, (AppSettings{{"A", "ours"}, {"B", "b"}}));
  EXPECT_EQ(problems.warnings.size(), 2U);
  EXPECT_FALSE(problems.error);
  add_local_settings(R"({"IsEncrypted":true})", settings, problems);
  EXPECT_TRUE(problems.error);
}

TEST(AppSettings, NamesBetweenPercentSignsAreReplaced) {
  EXPECT_EQ(resolve_settings("a-%QUEUE%-b", kSettings).value(), "a-Orders-b");
  EXPECT_EQ(resolve_settings("plain", kSettings).value(), "plain");
  EXPECT_FALSE(resolve_settings("%QUEUE", kSettings));
  EXPECT_FALSE(resolve_settings("%NONE%", kSettings));
}

}  // namespace
}  // namespace latchkey::cloud
