#include "rules/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "rules/yaml_scalar.h"

namespace redthread {
namespace {

using ::testing::HasSubstr;

std::string Nested(int depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(YamlTest, EveryNodeKnowsItsPlace) {
  const std::vector<YamlDocument> documents = ParseYaml("a: 1\nb:\n  - x\n  - 'ü y'\n  - \"e\\tf\"\n");
  ASSERT_EQ(documents.size(), 1u);
  ASSERT_TRUE(documents[0].problems.empty());
  const YamlNode& root = documents[0].root;
  ASSERT_TRUE(root.IsMap());
  EXPECT_EQ(root.key(1).line, 2);
  EXPECT_EQ(root.key(1).column, 1);
  const YamlNode* list = root.Find("b");
  ASSERT_NE(list, nullptr);
  ASSERT_EQ(list->children.size(), 3u);
  const YamlNode& quoted = list->children[1];
  EXPECT_EQ(quoted.line, 4);
  EXPECT_EQ(quoted.column, 5);
  EXPECT_EQ(quoted.text, "ü y");
  EXPECT_FALSE(quoted.plain);
  EXPECT_EQ(YamlColumnAt(quoted, 3), 8) << "columns count characters: ' ü and the blank come before y";
  EXPECT_EQ(YamlColumnAt(list->children[2], 2), 5) << "an escaped text has only its beginning";
}

TEST(YamlTest, ManyDocumentsAreReadUpToTheBrokenOne) {
  const std::vector<YamlDocument> documents = ParseYaml("a: 1\n---\nb: 2\n---\nc: [\n");
  ASSERT_EQ(documents.size(), 3u);
  EXPECT_TRUE(documents[0].problems.empty());
  EXPECT_TRUE(documents[1].problems.empty());
  EXPECT_FALSE(documents[2].problems.empty());
}

TEST(YamlTest, EmptyTextHasNoDocuments) {
  EXPECT_TRUE(ParseYaml("").empty());
  EXPECT_TRUE(ParseYaml("# only a comment\n").empty());
}

TEST(YamlTest, AByteOrderMarkIsSkipped) {
  const std::vector<YamlDocument> documents = ParseYaml(
      "\xEF\xBB\xBF"
      "a: 1\n");
  ASSERT_EQ(documents.size(), 1u);
  EXPECT_TRUE(documents[0].problems.empty());
  EXPECT_NE(documents[0].root.Find("a"), nullptr);
}

struct HostileCase {
  const char* what;
  std::string yaml;
  int line;
  int column;
  const char* message;
};

TEST(YamlTest, HostileYamlIsRefusedWithItsPlace) {
  std::string bomb = "a: &a [x, x]\n";
  for (char c = 'b'; c < 'j'; ++c) {
    bomb += std::string(1, c) + ": &" + c + " [*" + char(c - 1) + ", *" + char(c - 1) + "]\n";
  }
  const HostileCase kCases[] = {
      {"anchor", "a: &x 1\n", 1, 4, "anchors"},
      {"alias", "a: 1\nb: *x\n", 2, 4, "aliases"},
      {"billion laughs", bomb, 1, 4, "anchors"},
      {"tag", "a: !!python/object:os.system x\n", 1, 4, "tags"},
      {"merge key", "a:\n  <<: {b: 1}\n", 2, 3, "merge keys"},
      {"duplicate key", "a: 1\nb: 2\na: 3\n", 3, 1, "duplicate key `a`, it stands already in line 1"},
      {"duplicate key, quoted otherwise", "a: 1\n'a': 3\n", 2, 1, "duplicate key"},
      {"list as a key", "? [a]\n: 1\n", 1, 3, "cannot be a key"},
      {"tab as indentation", "a:\n\tb: 1\n", 2, 1, "a tab in the indentation, write spaces"},
      {"never closed", "a: [1, 2\n", 2, 1, "bad YAML"},
      {"bad quote", "a: 'x\n", 2, 1, "bad YAML"},
      {"33 levels", "a: " + Nested(33) + "\n", 1, 35, "nested deeper than 32 levels"},
      {"100,000 levels", Nested(100'000), 1, 33, "nested deeper than 32 levels"},
      {"broken UTF-8", "a: 1\nb: x\xFFy\n", 2, 5, "save the file as clean UTF-8"},
      {"control character", std::string("a: x\x01\n"), 1, 5, "save the file as clean UTF-8"},
      {"over 1 MiB", "a: " + std::string(size_t{1} << 20, 'x') + "\n", 1, 4, "longer than 1 MiB"},
  };
  for (const HostileCase& c : kCases) {
    SCOPED_TRACE(c.what);
    const std::vector<YamlDocument> documents = ParseYaml(c.yaml);
    ASSERT_FALSE(documents.empty());
    ASSERT_FALSE(documents.back().problems.empty());
    const YamlProblem& problem = documents.back().problems[0];
    EXPECT_THAT(problem.message, HasSubstr(c.message));
    EXPECT_EQ(problem.line, c.line) << problem.message;
    EXPECT_EQ(problem.column, c.column) << problem.message;
  }
}

TEST(YamlTest, ThirtyTwoLevelsAndOneMebibyteAreAccepted) {
  EXPECT_TRUE(ParseYaml(Nested(32))[0].problems.empty());
  EXPECT_TRUE(ParseYaml("a: " + std::string((size_t{1} << 20) - 10, 'x'))[0].problems.empty());
}

TEST(YamlTest, AHundredThousandKeysAreCheckedForDuplicatesQuickly) {
  std::string yaml;
  for (int i = 0; i < 100'000; ++i) yaml += "k" + std::to_string(i) + ":\n";
  const std::vector<YamlDocument> documents = ParseYaml(yaml);
  ASSERT_EQ(documents.size(), 1u);
  EXPECT_TRUE(documents[0].problems.empty());
  EXPECT_EQ(documents[0].root.entries(), 100'000u);
}

// ---- scalars; the expected values are PyYAML 6.0's

YamlNode Plain(const std::string& text) {
  YamlNode node;
  node.plain = true;
  node.text = text;
  return node;
}

TEST(YamlScalarTest, UnquotedTextIsWhatYaml11SaysItIs) {
  using K = RawValue::Kind;
  const struct {
    const char* text;
    K kind;
    const char* value;  // of numbers and booleans
  } kCases[] = {
      {"", K::kNull, ""},
      {"~", K::kNull, ""},
      {"null", K::kNull, ""},
      {"NULL", K::kNull, ""},
      {"nUll", K::kString, ""},
      {"true", K::kBool, "true"},
      {"Yes", K::kBool, "true"},
      {"ON", K::kBool, "true"},
      {"off", K::kBool, "false"},
      {"No", K::kBool, "false"},
      {"y", K::kString, ""},
      {"tRue", K::kString, ""},
      {"0", K::kNumber, "0"},
      {"4688", K::kNumber, "4688"},
      {"-7", K::kNumber, "-7"},
      {"+7", K::kNumber, "7"},
      {"1_000", K::kNumber, "1000"},
      {"0x1F", K::kNumber, "31"},
      {"-0x10", K::kNumber, "-16"},
      {"0X1F", K::kString, ""},
      {"0b101", K::kNumber, "5"},
      {"017", K::kNumber, "15"},
      {"00", K::kNumber, "0"},
      {"0_", K::kNumber, "0"},
      {"08", K::kString, ""},
      {"0o17", K::kString, ""},
      {"0x", K::kString, ""},
      {"1:30", K::kNumber, "90"},
      {"-1:30", K::kNumber, "-90"},
      {"190:20:30", K::kNumber, "685230"},
      {"1:60", K::kString, ""},
      {"0:30", K::kString, ""},
      {"1:30:", K::kString, ""},
      {"1.5", K::kNumber, "1.5"},
      {"-1.5", K::kNumber, "-1.5"},
      {"1.", K::kNumber, "1"},
      {".5", K::kNumber, "0.5"},
      {"-.5", K::kString, ""},
      {"1.5e+3", K::kNumber, "1500"},
      {"1.5e3", K::kString, ""},
      {"1e3", K::kString, ""},
      {"1_0.2_5", K::kNumber, "10.25"},
      {"1:30.5", K::kNumber, "90.5"},
      {".inf", K::kNumber, "inf"},
      {"-.INF", K::kNumber, "-inf"},
      {".nan", K::kNumber, "nan"},
      {"1.2.3", K::kString, ""},
      {"10.0.0.1", K::kString, ""},
      {"-", K::kString, ""},
      {".", K::kString, ""},
      {"2024-01-01", K::kString, ""},
      {"9223372036854775807", K::kNumber, "9223372036854775807"},
      {"18446744073709551616", K::kNumber, "18446744073709551616"},
      {"12345678901234567890123", K::kNumber, "12345678901234567890123"},
      {"1.5e+22", K::kNumber, "1.5e+22"},
      {"4688 ", K::kString, ""},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.text);
    const RawValue value = ResolveScalar(Plain(c.text));
    EXPECT_EQ(value.kind, c.kind);
    EXPECT_EQ(value.text, c.text);
    if (value.kind == K::kNumber) {
      EXPECT_EQ(NumberText(value), c.value);
    } else if (value.kind == K::kBool) {
      EXPECT_EQ(value.boolean ? "true" : "false", std::string(c.value));
    }
  }
}

TEST(YamlScalarTest, QuotedAndBlockScalarsAreText) {
  const std::vector<YamlDocument> documents = ParseYaml("a: '5'\nb: \"true\"\nc: |\n  7\nd: ''\n");
  const YamlNode& root = documents[0].root;
  for (size_t i = 0; i < root.entries(); ++i) {
    EXPECT_EQ(ResolveScalar(root.value(i)).kind, RawValue::Kind::kString) << root.key(i).text;
  }
}

}  // namespace
}  // namespace redthread
