#include "app/telemetry_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace latchkey::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Environment environment(std::initializer_list<std::pair<const char*, const char*>> settings) {
  Environment made;
  for (const auto& [name, value] : settings) made.set(name, value);
  return made;
}

TEST(TelemetrySettings, NothingIsToldUnlessAskedFor) {
  const auto settings = read_telemetry_settings(Environment{}).value();
  EXPECT_FALSE(settings.port);
  EXPECT_FALSE(settings.traces);
  EXPECT_FALSE(settings.tracer.collects);
}

TEST(TelemetrySettings, MetricsArePutOnLoopbackUnlessToldWhere) {
  auto port = read_telemetry_settings(environment({{"METRICS_PORT", "9464"}})).value().port;
  EXPECT_EQ(port->port, 9464);
  EXPECT_EQ(port->addresses, (std::vector<std::string>{"127.0.0.1", "::1"}));
  port = read_telemetry_settings(
             environment({{"METRICS_PORT", "0"}, {"METRICS_LISTEN", "0.0.0.0, ::"}}))
             .value()
             .port;
  EXPECT_EQ(port->addresses, (std::vector<std::string>{"0.0.0.0", "::"}));
}

TEST(TelemetrySettings, TheCollectorIsFoundAsOpenTelemetryHasIt) {
  const std::pair<Environment, const char*> rows[] = {
      {environment({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"}}), "http://c:4318/v1/traces"},
      {environment({{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://c/otlp/"}}),
       "https://c/otlp/v1/traces"},
      {environment({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"},
                    {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:1/mine"}}),
       "http://t:1/mine"}};
  for (const auto& [given, url] : rows) {
    const auto settings = read_telemetry_settings(given).value();
    EXPECT_EQ(settings.traces->url.origin() + settings.traces->url.path, url);
    EXPECT_TRUE(settings.tracer.collects);
    EXPECT_TRUE(settings.tracer.parent_decides);
    EXPECT_EQ(settings.tracer.ratio, 1);
  }
  for (const auto& [name, value] :
       {std::pair{"OTEL_SDK_DISABLED", "true"}, std::pair{"OTEL_TRACES_EXPORTER", "none"}}) {
    EXPECT_FALSE(read_telemetry_settings(
                     environment({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"}, {name, value}}))
                     .value()
                     .traces);
  }
}

TEST(TelemetrySettings, HeadersResourceAndSampler) {
  const auto settings = read_telemetry_settings(
                            environment({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"},
                                         {"OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b,x=y"},
                                         {"OTEL_EXPORTER_OTLP_TIMEOUT", "2500"},
                                         {"OTEL_SERVICE_NAME", "codes"},
                                         {"OTEL_RESOURCE_ATTRIBUTES", "service.name=other,zone=1"},
                                         {"OTEL_TRACES_SAMPLER", "parentbased_traceidratio"},
                                         {"OTEL_TRACES_SAMPLER_ARG", "0.25"}}))
                            .value();
  ASSERT_EQ(settings.traces->headers.size(), 2U);
  EXPECT_EQ(settings.traces->headers[0].second.reveal(), "a b");
  EXPECT_EQ(settings.traces->timeout, std::chrono::milliseconds{2500});
  using ::testing::Pair;
  EXPECT_THAT(settings.traces->resource,
              ::testing::ElementsAre(Pair("service.name", "codes"), Pair("zone", "1"),
                                     Pair("service.version", LATCHKEY_VERSION)));
  EXPECT_EQ(settings.tracer.ratio, 0.25);
  EXPECT_TRUE(settings.tracer.parent_decides);
}

TEST(TelemetrySettings, WhatIsWrongIsNamedAndNoKeyIsShown) {
  const std::pair<const char*, const char*> rows[] = {
      {"METRICS_PORT", "web"},
      {"OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"},
      {"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"},
      {"OTEL_EXPORTER_OTLP_TIMEOUT", "10s"},
      {"OTEL_TRACES_SAMPLER", "sometimes"},
      {"OTEL_RESOURCE_ATTRIBUTES", "zone"}};
  for (const auto& [name, value] : rows) {
    auto given = environment({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"}});
    given.set(name, value);
    const auto settings = read_telemetry_settings(given);
    ASSERT_FALSE(settings) << name;
    EXPECT_THAT(settings.error().message, HasSubstr(name));
    EXPECT_THAT(settings.error().message, HasSubstr(value));
  }
  const auto settings =
      read_telemetry_settings(environment({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"},
                                           {"OTEL_EXPORTER_OTLP_HEADERS", "my-secret-key"}}));
  ASSERT_FALSE(settings);
  EXPECT_THAT(settings.error().message, Not(HasSubstr("my-secret-key")));
}

}  // namespace
}  // namespace latchkey::app
