#include "service/sign_in/form.hpp"

#include <gtest/gtest.h>

namespace latchkey::service::sign_in {
namespace {

Result<Form> parse(std::string body, std::string_view type = "application/x-www-form-urlencoded") {
  http::Request request;
  request.headers.set("Content-Type", type);
  request.body = std::move(body);
  return parse_form(request);
}

TEST(Form, FieldsAreDecoded) {
  const auto form = parse("name=J%C3%B6rg+M&password=a%26b%3D%2B&empty=&flag&&x=1");
  ASSERT_TRUE(form);
  EXPECT_EQ((*form)["name"], "J\xC3\xB6rg M");
  EXPECT_EQ((*form)["password"], "a&b=+");
  EXPECT_EQ((*form)["empty"], "");
  EXPECT_EQ((*form)["flag"], "");
  EXPECT_EQ((*form)["x"], "1");
  EXPECT_EQ((*form)["missing"], "");
}

TEST(Form, TheTypesParametersDoNotMatter) {
  EXPECT_TRUE(parse("a=1", "Application/x-www-form-urlencoded; charset=UTF-8"));
}

TEST(Form, WhatNoBrowserSendsIsRefused) {
  std::string many;
  for (std::size_t i = 0; i <= kFormFieldsMax; ++i) many += std::to_string(i) + "=&";
  for (const std::string& body :
       {std::string("a=%"), std::string("a=%zz"), std::string("a=%0A"), std::string("a=%00"),
        std::string("a=%7F"), std::string("a=%FF"), std::string("a=1&a=2"), many,
        "a=" + std::string(kFormBytesMax, 'x')}) {
    const auto form = parse(body);
    EXPECT_FALSE(form) << body;
  }
  EXPECT_FALSE(parse("a=1", "text/plain"));
  EXPECT_FALSE(parse("a=1", ""));
}

}  // namespace
}  // namespace latchkey::service::sign_in
