#include "service/sign_in/html.hpp"

#include <gtest/gtest.h>

namespace latchkey::service::sign_in {
namespace {

TEST(Html, TextBecomesTextWhateverItIs) {
  EXPECT_EQ(escape("a<b>&\"c'").text, "a&lt;b&gt;&amp;&quot;c&#39;");
  EXPECT_EQ(escape("{{name}}").text, "{{name}}");
}

TEST(Html, RenderFillsEveryPlaceAndNoPlaceOfWhatIsPutIn) {
  const auto page =
      render("<a title=\"{{x}}\">{{x}} {{y}}</a>", {{"x", "{{y}} & <b>"}, {"y", "1"}});
  EXPECT_EQ(page.text, "<a title=\"{{y}} &amp; &lt;b&gt;\">{{y}} &amp; &lt;b&gt; 1</a>");
}

TEST(Html, MarkupOfOursStaysMarkup) {
  EXPECT_EQ(render("<p>{{x}}</p>", {{"x", render("<i>{{y}}</i>", {{"y", "<"}})}}).text,
            "<p><i>&lt;</i></p>");
}

TEST(HtmlDeathTest, APlaceTooManyOrTooFewIsADefect) {
  EXPECT_DEATH(render("{{x}}", {}), "");
  EXPECT_DEATH(render("", {{"x", "1"}}), "");
  EXPECT_DEATH(render("{{x", {{"x", "1"}}), "");
}

}  // namespace
}  // namespace latchkey::service::sign_in
