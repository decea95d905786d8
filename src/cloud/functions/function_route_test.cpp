#include "cloud/functions/function_route.hpp"

#include <gtest/gtest.h>

namespace latchkey::cloud {
namespace {

/// "name=value;..." or "no".
std::string caught(std::string_view route, std::string_view path) {
  const auto parsed = FunctionRoute::parse(route);
  if (!parsed) return parsed.error().message;
  const auto parameters = parsed->match(path);
  if (!parameters) return "no";
  std::string text;
  for (const auto& [name, value] : *parameters) text.append(name).append("=").append(value) += ";";
  return text;
}

TEST(FunctionRoute, PathsRowByRow) {
  struct Row {
    const char* route;
    const char* path;
    const char* caught;
  };
  const Row rows[] = {{"api/work", "/api/work", ""},
                      {"/api/work/", "/API/Work/", ""},
                      {"api/work", "/api/work/more", "no"},
                      {"api/work", "/api", "no"},
                      {"api/work", "/api/w%6Frk", ""},
                      {"api/work", "/api/w%6", "no"},
                      {"", "/", ""},
                      {"api/{name}", "/api/a%2Fb", "name=a/b;"},
                      {"api/{name}", "/api/", "no"},
                      {"api/{name?}", "/api", ""},
                      {"api/{a}/{b?}", "/api/1/2", "a=1;b=2;"},
                      {"api/{id:int}", "/api/12", "id=12;"},
                      {"api/{id:int}", "/api/x", "no"},
                      {"api/{id:alpha}", "/api/xY", "id=xY;"},
                      {"api/{id:alpha}", "/api/x1", "no"},
                      {"api/{*rest}", "/api/a/b%20c/", "rest=a/b c/;"},
                      {"api/{*rest}", "/api", "rest=;"}};
  for (const Row& row : rows) {
    EXPECT_EQ(caught(row.route, row.path), row.caught) << row.route << " " << row.path;
  }
}

TEST(FunctionRoute, WhatIsNotUnderstoodIsRefused) {
  for (const char* route : {"a/{b}-{c}", "a/{b:regex(x)}", "a/{b=1}", "a/{}", "{*a}/b", "{a?}/b",
                            "a//b", "a/*", "a?b"}) {
    EXPECT_FALSE(FunctionRoute::parse(route)) << route;
  }
}

TEST(FunctionRoute, TheMoreParticularOneIsMeant) {
  const char* in_order[] = {"api/v1/verify", "api/v1/{id:int}", "api/v1/{id}", "api/{*rest}"};
  std::string before;
  for (const char* route : in_order) {
    const auto rank = FunctionRoute::parse(route)->rank();
    EXPECT_LT(before, rank) << route;
    before = rank;
  }
}

}  // namespace
}  // namespace latchkey::cloud
