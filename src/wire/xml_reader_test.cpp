#include "wire/xml_reader.hpp"

#include <gtest/gtest.h>

#include "base/testing/seeded_random.hpp"

/// Strictness is tested through the body that strangers send: a message request.
namespace latchkey::wire {
namespace {

constexpr std::string_view kHead = "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?>";

std::string wrapped(std::string_view inner) {
  return "<QueueMessage><MessageText>" + std::string(inner) + "</MessageText></QueueMessage>";
}

std::vector<std::string> malformed() {
  using namespace std::string_literals;
  return {
      ""s,
      " "s,
      "\xEF\xBB\xBF"s,
      "hi"s,
      "{}"s,
      "<"s,
      "<QueueMessage>"s,
      "<QueueMessage/>"s,
      "<QueueMessage></QueueMessage>"s,
      "<queuemessage><MessageText/></queuemessage>"s,
      "<Other><MessageText>hi</MessageText></Other>"s,
      "<QueueMessage><MessageText>hi</QueueMessage></MessageText>"s,
      "<QueueMessage><MessageText>hi</MessageText>"s,
      "<QueueMessage><MessageText>hi</MessageText></QueueMessage"s,
      "<QueueMessage><MessageText>1</MessageText><MessageText>2</MessageText></QueueMessage>"s,
      "<QueueMessage><Deep><MessageText>hi</MessageText></Deep></QueueMessage>"s,
      wrapped("hi") + "x",
      "x" + wrapped("hi"),
      wrapped("hi") + wrapped("hi"),
      wrapped("hi") + "</x>",
      wrapped("hi") + "&amp;",
      wrapped("hi") + "\0"s,
      "<![CDATA[x]]>" + wrapped("hi"),
      wrapped("<b>bold</b>"),
      wrapped("<b/>"),
      wrapped("a & b"),
      wrapped("a &b; c"),
      wrapped("&nbsp;"),
      wrapped("&amp"),
      wrapped("&;"),
      wrapped("&#;"),
      wrapped("&#x;"),
      wrapped("&#-65;"),
      wrapped("&#65x;"),
      wrapped("&#1;"),
      wrapped("&#x1;"),
      wrapped("&#0;"),
      wrapped("&#xD800;"),
      wrapped("&#xFFFF;"),
      wrapped("&#x110000;"),
      wrapped("&#4294967361;"),
      wrapped("&#18446744073709551681;"),
      wrapped("\x01"),
      wrapped("\x1F"),
      wrapped("a\0b"s),
      wrapped("<![CDATA[\x01]]>"),
      wrapped("<!-- \x01 -->"),
      wrapped("\xFF"),
      wrapped("\xC3"),
      wrapped("\xC0\xBC"),
      wrapped("\xED\xA0\x80"),
      wrapped("\xEF\xBF\xBF"),
      wrapped("]]>"),
      wrapped("<![CDATA[open"),
      wrapped("<!-- open"),
      wrapped("<?open"),
      wrapped("a < b"),
      "<QueueMessage a=\"<!--\"><MessageText>&#1;</MessageText></QueueMessage>"s,
      "<QueueMessage a='&#1;'><MessageText/></QueueMessage>"s,
      "<!DOCTYPE QueueMessage [<!ENTITY a 'b'>]>" + wrapped("&a;"),
      "<!DOCTYPE x>" + wrapped("hi"),
      "\xFF\xFE<\0Q\0"s,
  };
}

TEST(XmlReader, ReadsTheFormsThatClientsSend) {
  struct Row {
    std::string xml;
    std::string_view text;
  };
  const Row rows[] = {
      {wrapped("hi"), "hi"},
      {std::string(kHead) + wrapped("hi"), "hi"},
      {"<?xml version='1.0' encoding='utf-8'?>\r\n" + wrapped("hi") + "\n", "hi"},
      {"<QueueMessage>\n  <MessageText>hi</MessageText>\n</QueueMessage>", "hi"},
      {"<QueueMessage><MessageText/></QueueMessage>", ""},
      {"<QueueMessage><MessageText /></QueueMessage>", ""},
      {"<QueueMessage><Other><x/></Other><MessageText a='&lt;'>hi</MessageText></QueueMessage>",
       "hi"},
      {wrapped("<![CDATA[<b>&\x7D]]>"), "<b>&}"},
      {wrapped(" <![CDATA[ x ]]> "), "  x  "},
      {wrapped("a<!-- no -->b"), "ab"},
      {wrapped("a<?pi no?>b"), "ab"},
      {wrapped("a\r\nb\rc"), "a\nb\nc"},
      {wrapped("a&#xD;&#13;&#10;b"), "a\r\r\nb"},
      {wrapped("&#x1F600;&quot;&apos;"), "\xF0\x9F\x98\x80\"'"},
      {wrapped(" "), " "},
      {wrapped("\n \n"), "\n \n"},
      {"<!-- before -->" + wrapped("hi") + "<!-- after -->", "hi"},
  };
  for (const Row& row : rows) {
    const auto parsed = parse_message_request(row.xml);
    ASSERT_TRUE(parsed) << row.xml << ": " << parsed.error().message;
    EXPECT_EQ(*parsed, row.text) << row.xml;
  }
}

TEST(XmlReader, RefusesWhatIsNotItsXml) {
  for (const std::string& xml : malformed()) {
    const auto parsed = parse_message_request(xml);
    ASSERT_FALSE(parsed) << xml;
    EXPECT_EQ(parsed.error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(parsed.error().code, "InvalidXmlDocument");
    EXPECT_FALSE(parsed.error().message.empty());
  }
}

TEST(XmlReader, SaysWhereAndWhyItIsRefused) {
  struct Row {
    std::string xml;
    int line, position;
    std::string_view reason;
  };
  const Row rows[] = {
      {wrapped("\x01"), 1, 28, "'.', hexadecimal value 0x01, is an invalid character."},
      {"<QueueMessage>\n<MessageText>\xC3\xA4\x02", 2, 15,
       "'.', hexadecimal value 0x02, is an invalid character."},
      {std::string(kHead) + "\x01", 1, 39, "'.', hexadecimal value 0x01, is an invalid character."},
      {"<a>\n&b;</a>", 2, 1, "Reference to an undeclared entity."},
      {"<a></a>\n\n <b/>", 3, 2, "There are multiple root elements."},
      {"", 1, 1, "Root element is missing."},
      {"<Other/>", 1, 1, "The root element must be QueueMessage."},
  };
  for (const Row& row : rows) {
    XmlFault fault;
    const auto parsed = parse_message_request(row.xml, fault);
    ASSERT_FALSE(parsed) << row.xml;
    EXPECT_EQ(fault.line, row.line) << row.xml;
    EXPECT_EQ(fault.position, row.position) << row.xml;
    EXPECT_EQ(fault.reason, row.reason) << row.xml;
    EXPECT_NE(parsed.error().message.find(row.reason), std::string::npos);
  }
}

TEST(XmlReader, RefusesDeepNestingWithoutHarm) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  EXPECT_FALSE(parse_message_request(deep));
  std::string closed = "<QueueMessage><Other>";
  for (int i = 0; i < xml::kDepthMax; ++i) closed += "<a>";
  for (int i = 0; i < xml::kDepthMax; ++i) closed += "</a>";
  EXPECT_FALSE(parse_message_request(closed + "</Other><MessageText/></QueueMessage>"));
}

TEST(XmlReader, EveryDamagedBodyIsReadOrRefusedButNeverCrashes) {
  static constexpr std::uint64_t kSeed = 4711;
  latchkey::testing::SeededRandom random(kSeed);
  const std::string whole = std::string(kHead) + "<!--c--><QueueMessage a='b'>" +
                            "<MessageText>x&amp;&#x41;<![CDATA[y]]></MessageText></QueueMessage>";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse_message_request(whole.substr(0, size))) << size;
  }
  for (int round = 0; round < 20'000; ++round) {
    std::string damaged = whole;
    for (std::uint64_t n = random.below(4) + 1; n > 0; --n) {
      damaged[random.below(damaged.size())] = static_cast<char>(random.below(256));
    }
    const auto parsed = parse_message_request(damaged);
    if (parsed) EXPECT_EQ(xml_escape(*parsed).find("\xEF\xBF\xBD"), std::string::npos);
  }
}

}  // namespace
}  // namespace latchkey::wire
