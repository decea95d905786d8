#include "wire/queue_xml.hpp"

#include <gtest/gtest.h>

#include "base/testing/seeded_random.hpp"
#include "base/time_text.hpp"
#include "wire/xml_reader.hpp"

namespace latchkey::wire {
namespace {

constexpr std::string_view kHead = "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?>";

QueueMessage sample() {
  return {.id = "5974b586-0df3-4e2d-ad0c-18e3892bfca2",
          .insertion_time = *from_rfc1123("Fri, 09 Oct 2009 21:04:30 GMT"),
          .expiration_time = never_expires(),
          .pop_receipt = "YzQ4Yzg1MDIGM0MDFiZDAwYzEw",
          .time_next_visible = *from_rfc1123("Fri, 09 Oct 2009 23:29:20 GMT"),
          .dequeue_count = 1,
          .text = "a<b"};
}

void expect_equal(const QueueMessage& a, const QueueMessage& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.insertion_time, b.insertion_time);
  EXPECT_EQ(a.expiration_time, b.expiration_time);
  EXPECT_EQ(a.pop_receipt, b.pop_receipt);
  EXPECT_EQ(a.time_next_visible, b.time_next_visible);
  EXPECT_EQ(a.dequeue_count, b.dequeue_count);
  EXPECT_EQ(a.text, b.text);
}

TEST(QueueXml, NeverExpiresIsTheEndOfTheYear9999) {
  EXPECT_EQ(to_rfc1123(never_expires()), "Fri, 31 Dec 9999 23:59:59 GMT");
}

TEST(XmlEscape, EscapesWhatMustNotStandInCharacterData) {
  struct Row {
    std::string_view text, escaped;
  };
  using namespace std::string_view_literals;
  const Row rows[] = {
      {"", ""},
      {"plain \"text\" 'too'", "plain \"text\" 'too'"},
      {"<a>&]]>", "&lt;a&gt;&amp;]]&gt;"},
      {"a\r\nb\tc", "a&#xD;\nb\tc"},
      {"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"},
      {"a\x01z"sv, "a\xEF\xBF\xBDz"},
      {"a\0z"sv, "a\xEF\xBF\xBDz"},
      {"\x7F", "\x7F"},
      {"\xFF<", "\xEF\xBF\xBD&lt;"},
      {"\xC3", "\xEF\xBF\xBD"},
      {"\xC0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"\xEF\xBF\xBE", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"\xEF\xBF\xBD", "\xEF\xBF\xBD"},
  };
  for (const Row& row : rows) EXPECT_EQ(xml_escape(row.text), row.escaped) << row.text;
}

TEST(MessageRequest, EveryTextThatXmlCanCarryComesBackUnchanged) {
  for (std::string_view text :
       {"", " ", "\n", "\r", "\r\n", "\t", "  leading and trailing  ", "a&b<c>d\"e'f", "]]>",
        "<![CDATA[x]]>", "<!-- c -->", "&amp;", "&#65;", "{\"code\":\"AB-12\"}",
        "{'code': 'AB-12'}", "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", "\xEF\xBB\xBFmark", "\x7F"}) {
    const auto parsed = parse_message_request(render_message_request(text));
    ASSERT_TRUE(parsed) << text << ": " << parsed.error().message;
    EXPECT_EQ(*parsed, text);
  }
}

TEST(MessageRequest, RandomTextComesBackUnchangedOrIsRefused) {
  static constexpr std::uint64_t kSeed = 20'260'821;
  latchkey::testing::SeededRandom random(kSeed);
  int carried = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    const auto length = random.below(12);
    for (std::uint64_t i = 0; i < length; ++i) {
      // Half of the texts are made of bytes that matter to XML, so that many of them are valid.
      static constexpr std::string_view kTelling = " \r\n\t<>&;#x]!-[?/'\"aA0";
      text += round % 2 == 0 ? kTelling[random.below(kTelling.size())]
                             : static_cast<char>(random.below(256));
    }
    const auto parsed = parse_message_request(render_message_request(text));
    if (parsed) {
      EXPECT_EQ(*parsed, text) << "seed " << kSeed << " round " << round;
      ++carried;
    } else {
      EXPECT_NE(xml_escape(text).find("\xEF\xBF\xBD"), std::string::npos)
          << "refused without need: seed " << kSeed << " round " << round;
    }
  }
  EXPECT_GT(carried, 1500);
}

TEST(Messages, AreRenderedWithTheElementsOfEachAnswerInTheServicesOrder) {
  const std::string head = std::string(kHead) +
                           "<QueueMessagesList><QueueMessage>"
                           "<MessageId>5974b586-0df3-4e2d-ad0c-18e3892bfca2</MessageId>"
                           "<InsertionTime>Fri, 09 Oct 2009 21:04:30 GMT</InsertionTime>"
                           "<ExpirationTime>Fri, 31 Dec 9999 23:59:59 GMT</ExpirationTime>";
  const std::string receipt =
      "<PopReceipt>YzQ4Yzg1MDIGM0MDFiZDAwYzEw</PopReceipt>"
      "<TimeNextVisible>Fri, 09 Oct 2009 23:29:20 GMT</TimeNextVisible>";
  const std::string content = "<DequeueCount>1</DequeueCount><MessageText>a&lt;b</MessageText>";
  const std::string tail = "</QueueMessage></QueueMessagesList>";
  EXPECT_EQ(render_messages(MessageAnswer::put, {sample()}), head + receipt + tail);
  EXPECT_EQ(render_messages(MessageAnswer::get, {sample()}), head + receipt + content + tail);
  EXPECT_EQ(render_messages(MessageAnswer::peek, {sample()}), head + content + tail);
}

TEST(Messages, AnEmptyListIsOneEmptyElement) {
  const std::string xml = render_messages(MessageAnswer::get, {});
  EXPECT_EQ(xml, std::string(kHead) + "<QueueMessagesList />");
  EXPECT_TRUE(parse_messages(xml)->empty());
}

TEST(Messages, ComeBackAsTheyWere) {
  QueueMessage second = sample();
  second.id = "second";
  second.insertion_time += std::chrono::seconds{1};
  second.text = " \r\n{\"a\":\"<&>\"}\xE2\x82\xAC ";
  second.dequeue_count = 7;
  QueueMessage third = sample();
  third.text.clear();
  const std::vector<QueueMessage> messages = {sample(), second, third};

  const auto got = parse_messages(render_messages(MessageAnswer::get, messages));
  ASSERT_TRUE(got) << got.error().message;
  ASSERT_EQ(got->size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) expect_equal((*got)[i], messages[i]);

  const auto put = parse_messages(render_messages(MessageAnswer::put, {second}));
  ASSERT_TRUE(put);
  QueueMessage expected = second;
  expected.text.clear();
  expected.dequeue_count = 0;
  expect_equal((*put)[0], expected);

  const auto peeked = parse_messages(render_messages(MessageAnswer::peek, {second}));
  ASSERT_TRUE(peeked);
  expected = second;
  expected.pop_receipt.clear();
  expected.time_next_visible = {};
  expect_equal((*peeked)[0], expected);
}

TEST(Messages, FractionsOfSecondsAreLeftOffTheWire) {
  QueueMessage message = sample();
  message.insertion_time += std::chrono::microseconds{999'999};
  const auto parsed = parse_messages(render_messages(MessageAnswer::get, {message, sample()}));
  EXPECT_EQ((*parsed)[0].insertion_time, sample().insertion_time);
  EXPECT_EQ((*parsed)[1].insertion_time, sample().insertion_time);
}

TEST(Messages, AreReadWithoutMarkAndWithBlanksBetween) {
  const auto parsed = parse_messages(
      "<?xml version=\"1.0\"?>\n<QueueMessagesList>\n <QueueMessage>\n  <MessageId>m</MessageId>\n"
      "  <DequeueCount> 2 </DequeueCount>\n </QueueMessage>\n</QueueMessagesList>\n");
  ASSERT_TRUE(parsed) << parsed.error().message;
  ASSERT_EQ(parsed->size(), 1U);
  EXPECT_EQ((*parsed)[0].id, "m");
  EXPECT_EQ((*parsed)[0].dequeue_count, 2);
  EXPECT_EQ((*parsed)[0].text, "");
}

TEST(Messages, WhatTheProtocolDoesNotAllowIsAProtocolError) {
  const std::string_view rows[] = {
      "",
      "<html/>",
      "<QueueMessagesList>",
      "<QueueMessagesList><QueueMessage/></QueueMessagesList>",
      "<QueueMessagesList><QueueMessage><MessageId/></QueueMessage></QueueMessagesList>",
      "<QueueMessagesList><QueueMessage><MessageId>m</MessageId>"
      "<InsertionTime>yesterday</InsertionTime></QueueMessage></QueueMessagesList>",
      "<QueueMessagesList><QueueMessage><MessageId>m</MessageId>"
      "<TimeNextVisible/></QueueMessage></QueueMessagesList>",
      "<QueueMessagesList><QueueMessage><MessageId>m</MessageId>"
      "<DequeueCount>many</DequeueCount></QueueMessage></QueueMessagesList>",
  };
  for (std::string_view xml : rows) {
    const auto parsed = parse_messages(xml);
    ASSERT_FALSE(parsed) << xml;
    EXPECT_EQ(parsed.error().kind, ErrorKind::protocol) << xml;
  }
}

TEST(QueueListing, HasPrefixMarkerAndMaxResultsOnlyWhenTheRequestHadThem) {
  QueueListing listing;
  listing.service_endpoint = "https://acc.queue.core.windows.net/";
  EXPECT_EQ(render_queue_listing(listing),
            std::string(kHead) +
                "<EnumerationResults ServiceEndpoint=\"https://acc.queue.core.windows.net/\">"
                "<Queues /><NextMarker /></EnumerationResults>");
  listing.prefix = "q";
  listing.marker = "/acc/q1";
  listing.max_results = 2;
  listing.queues = {{"q1", {{"Key", "v<"}}}, {"q2", {}}};
  listing.next_marker = "/acc/q3";
  EXPECT_EQ(render_queue_listing(listing),
            std::string(kHead) +
                "<EnumerationResults ServiceEndpoint=\"https://acc.queue.core.windows.net/\">"
                "<Prefix>q</Prefix><Marker>/acc/q1</Marker><MaxResults>2</MaxResults>"
                "<Queues><Queue><Name>q1</Name></Queue><Queue><Name>q2</Name></Queue></Queues>"
                "<NextMarker>/acc/q3</NextMarker></EnumerationResults>");
  listing.with_metadata = true;
  EXPECT_NE(render_queue_listing(listing).find(
                "<Queue><Name>q1</Name><Metadata><Key>v&lt;</Key></Metadata></Queue>"
                "<Queue><Name>q2</Name><Metadata /></Queue>"),
            std::string::npos);
}

TEST(QueueListing, ComesBackAsItWas) {
  QueueListing listing;
  listing.service_endpoint = "http://h/\"a\"&<b>\t\n";
  listing.prefix = "";
  listing.marker = "m";
  listing.max_results = 5000;
  listing.with_metadata = true;
  listing.queues = {{"q1", {{"Key", " v\r\n"}, {"other_1", ""}}}, {"q2", {}}};
  listing.next_marker = "n&";
  const auto parsed = parse_queue_listing(render_queue_listing(listing));
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->service_endpoint, listing.service_endpoint);
  EXPECT_EQ(parsed->prefix, "");
  EXPECT_EQ(parsed->marker, "m");
  EXPECT_EQ(parsed->max_results, 5000);
  EXPECT_TRUE(parsed->with_metadata);
  EXPECT_EQ(parsed->next_marker, "n&");
  ASSERT_EQ(parsed->queues.size(), 2U);
  EXPECT_EQ(parsed->queues[0].name, "q1");
  EXPECT_EQ(parsed->queues[0].metadata, listing.queues[0].metadata);
  EXPECT_TRUE(parsed->queues[1].metadata.empty());
}

TEST(QueueListing, WhatTheProtocolDoesNotAllowIsAProtocolError) {
  for (std::string_view xml :
       {"", "<Queues/>", "<EnumerationResults><MaxResults>x</MaxResults></EnumerationResults>",
        "<EnumerationResults><Queues><Queue/></Queues></EnumerationResults>"}) {
    const auto parsed = parse_queue_listing(xml);
    ASSERT_FALSE(parsed) << xml;
    EXPECT_EQ(parsed.error().kind, ErrorKind::protocol);
  }
}

}  // namespace
}  // namespace latchkey::wire
