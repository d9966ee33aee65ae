#include "core/event.h"

#include <gtest/gtest.h>

namespace redthread {
namespace {

// Builds events by hand, as a decoder does.
class EventTest : public ::testing::Test {
 protected:
  NodeIndex Scalar(ValueType type, std::string_view key, std::string_view raw) {
    Node n;
    n.key = key.data();
    n.key_size = static_cast<uint32_t>(key.size());
    n.raw = raw.data();
    n.raw_size = static_cast<uint32_t>(raw.size());
    n.type = type;
    n.escaped = raw.find('\\') != std::string_view::npos;
    return event_.AddNode(n);
  }
  NodeIndex String(std::string_view key, std::string_view raw) {
    return Scalar(ValueType::kString, key, raw);
  }
  NodeIndex Open(ValueType type, std::string_view key) { return Scalar(type, key, ""); }

  std::vector<std::string> Values(FieldId id) {
    std::vector<std::string> out;
    event_.AnyValue(id, [&](NodeIndex i) {
      out.emplace_back(event_.Text(i).value_or("(none)"));
      return false;
    });
    return out;
  }

  FieldTable fields_;
  Event event_;
};

TEST_F(EventTest, DuplicateKeysKeepAllValues) {
  const FieldId f = fields_.Add("F");
  event_.Clear(fields_);
  event_.AddField("F", String("F", "a"));
  event_.AddField("F", String("F", "b"));
  EXPECT_EQ(Values(f), (std::vector<std::string>{"a", "b"}));
}

TEST_F(EventTest, AFlatKeyHidesThePathOfTheSameName) {
  const FieldId path = fields_.Add("a.b");
  event_.Clear(fields_);
  event_.AddField("a.b", String("a.b", "x"));
  const NodeIndex a = Open(ValueType::kObject, "a");
  String("b", "y");
  event_.CloseContainer(a);
  event_.AddField("a", a);
  EXPECT_EQ(Values(path), (std::vector<std::string>{"x"}));
}

TEST_F(EventTest, PathsFanOutOverArraysAndTryTheWholeRestFirst) {
  const FieldId abc = fields_.Add("a.b.c");
  event_.Clear(fields_);
  const NodeIndex a = Open(ValueType::kArray, "a");
  const NodeIndex first = Open(ValueType::kObject, "");
  String("b.c", "whole");
  event_.CloseContainer(first);
  const NodeIndex second = Open(ValueType::kObject, "");
  const NodeIndex b = Open(ValueType::kObject, "b");
  const NodeIndex c = Open(ValueType::kArray, "c");
  String("", "one");
  String("", "two");
  event_.CloseContainer(c);
  event_.CloseContainer(b);
  event_.CloseContainer(second);
  event_.CloseContainer(a);
  event_.AddField("a", a);
  EXPECT_TRUE(event_.Present(abc));
  EXPECT_EQ(Values(abc), (std::vector<std::string>{"whole", "one", "two"}));
}

TEST_F(EventTest, NothingIsLeftOfTheEventBefore) {
  const FieldId f = fields_.Add("F");
  const FieldId path = fields_.Add("F.x");
  event_.Clear(fields_);
  const NodeIndex o = Open(ValueType::kObject, "F");
  String("x", "1");
  event_.CloseContainer(o);
  event_.AddField("F", o);
  EXPECT_TRUE(event_.Present(path));
  event_.Clear(fields_);
  EXPECT_FALSE(event_.Present(f));
  EXPECT_FALSE(event_.Present(path));
  event_.AddField("F", String("F", "2"));
  EXPECT_FALSE(event_.Present(path));
  EXPECT_EQ(Values(f), (std::vector<std::string>{"2"}));
}

TEST_F(EventTest, TextIsUnescapedOnceAndFoldedOnDemand) {
  fields_.Add("F");
  event_.Clear(fields_);
  const NodeIndex i = String("F", R"(C:\\Temp\u00c4\ud83d\ude00 \ud800 \q \u12)");
  EXPECT_EQ(event_.Text(i), "C:\\TempÄ😀 \uFFFD \\q \\u12");
  EXPECT_EQ(event_.FoldedText(i), "c:\\tempä😀 \uFFFD \\q \\u12");
  const NodeIndex n = Scalar(ValueType::kNumber, "N", "1e3");
  EXPECT_EQ(event_.Text(n), "1e3");  // a decoder marks what is no plain integer as escaped
}

TEST(FieldTableTest, FindsWhatWasAddedAndNothingElse) {
  FieldTable table;
  std::vector<FieldId> ids;
  for (int i = 0; i < 5000; ++i) ids.push_back(table.Add("field" + std::to_string(i)));
  for (int i = 0; i < 5000; ++i) {
    EXPECT_EQ(table.Find("field" + std::to_string(i)), ids[static_cast<size_t>(i)]);
    EXPECT_EQ(table.Find("Field" + std::to_string(i)), kNoField);
  }
  const FieldId path = table.Add("a.b.c");
  EXPECT_EQ(table.Name(table.Head(path)), "a");
  EXPECT_EQ(table.Find(""), kNoField);
}

}  // namespace
}  // namespace redthread
