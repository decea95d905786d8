#include "base/encoding.hpp"

#include <gtest/gtest.h>

namespace latchkey {
namespace {

TEST(Encoding, HexRoundTripsAndRefusesOtherCharacters) {
  EXPECT_EQ(to_hex(Bytes{0x00, 0x9F, 0xFF}), "009fff");
  EXPECT_EQ(from_hex("009FfF"), (Bytes{0x00, 0x9F, 0xFF}));
  EXPECT_FALSE(from_hex("abc"));
  EXPECT_FALSE(from_hex("zz"));
}

TEST(Encoding, Base64FollowsTheVectorsOfRfc4648) {
  const std::pair<std::string, std::string> vectors[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(to_base64(plain), encoded);
    const auto decoded = from_base64(encoded);
    ASSERT_TRUE(decoded) << encoded;
    EXPECT_EQ(as_text(*decoded), plain);
  }
}

TEST(Encoding, Base64RefusesWhatItsAlphabetDoesNotAllow) {
  for (const char* text : {"Zg", "Zg=", "Zg== ", " Zg=", "Z-8=", "====", "Z=g=", "Zm9v\n"}) {
    EXPECT_FALSE(from_base64(text)) << text;
  }
}

TEST(Encoding, Base64UrlHasNoPaddingAndItsOwnTwoCharacters) {
  const Bytes bytes{0xFB, 0xFF, 0xFE, 0x01};
  EXPECT_EQ(to_base64url(bytes), "-__-AQ");
  EXPECT_EQ(from_base64url("-__-AQ"), bytes);
  EXPECT_EQ(from_base64url("-__-AQ=="), bytes);
  EXPECT_FALSE(from_base64url("+//+AQ"));
}

TEST(Encoding, PercentEncodingKeepsUnreservedCharactersOnly) {
  EXPECT_EQ(percent_encode("aZ9-._~ /+%"), "aZ9-._~%20%2F%2B%25");
  EXPECT_EQ(percent_decode("a%2Fb+c"), "a/b+c");
  EXPECT_EQ(form_decode("a%2Fb+c"), "a/b c");
  for (const char* text : {"%", "%2", "%zz", "a%2"}) EXPECT_FALSE(percent_decode(text)) << text;
}

TEST(Encoding, Utf8RefusesSurrogatesOverlongFormsAndCutSequences) {
  EXPECT_TRUE(is_utf8("plain \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x94\x91"));
  for (const char* text :
       {"\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF", "\x80"}) {
    EXPECT_FALSE(is_utf8(text)) << text;
  }
}

}  // namespace
}  // namespace latchkey
