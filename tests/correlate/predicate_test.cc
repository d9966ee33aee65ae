// Predicates: what each kind of test says of each kind of value.
#include "correlate/predicate.h"

#include <gtest/gtest.h>

#include "rules/rule_set.h"
#include "tests/correlate/decoded_event.h"

namespace redthread {
namespace {

using Kind = Predicate::Kind;

// The first value of a rule's only item, as a predicate.
class Item {
 public:
  explicit Item(const std::string& item) {
    rules_ = LoadRulesFromText(
        "title: t\nlogsource: {product: x}\ndetection:\n  s:\n    " + item + "\n  condition: s\n", "t.yml",
        {});
    for (const RuleProblem& p : rules_.problems) ADD_FAILURE() << item << ": " << p.Render();
    JsonDecoder::RegisterFields(&fields_);
    if (rules_.rules.size() != 1) return;
    const SearchNode* node = &rules_.rules[0].logic.searches[0].root;
    while (node->kind != SearchNode::Kind::kItem) node = &node->children[0];
    const MatchValue& value = node->item.values[0];
    const auto* ref = std::get_if<MatchFieldRef>(&value.v);
    const FieldId other = ref == nullptr ? kNoField : fields_.Add(ref->field);
    fields_.Add("Renamed");
    field_ = node->item.keywords() ? kAnyField : fields_.Add(node->item.field);
    id_ = table_.Add(field_, value, node->item.cased, other);
    again_ = table_.Add(field_, value, node->item.cased, other);
    table_.Seal();
  }
  bool Holds(const std::string& json, const FieldMap& map = {}) const {
    return table_.Test(id_, *DecodedEvent(fields_, json), map);
  }
  Kind kind() const { return table_[id_].kind; }
  bool shared() const { return id_ == again_; }
  bool HoldsText(std::string_view text) const { return table_.TestText(id_, text); }
  FieldMap RenamedTo(const std::string& name) const {
    FieldMap map;
    for (FieldId id = 0; id < fields_.size(); ++id) map.push_back(id);
    map[field_] = fields_.Find(name);
    return map;
  }

 private:
  RuleSet rules_;
  FieldTable fields_;
  PredicateTable table_;
  FieldId field_ = kNoField;
  PredicateId id_ = 0, again_ = 1;
};

TEST(PredicateTest, ValuesBecomeTheCheapestKindOfTest) {
  const struct {
    const char* item;
    Kind kind;
  } kCases[] = {
      {"F: abc", Kind::kEquals},
      {"F: ''", Kind::kEquals},
      {"F: 'abc*'", Kind::kStartsWith},
      {"F|startswith: abc", Kind::kStartsWith},
      {"F: '*abc'", Kind::kEndsWith},
      {"F: '*abc*'", Kind::kContains},
      {"F: '*'", Kind::kContains},
      {"F: 'a*c'", Kind::kPattern},
      {"F: 'ab?'", Kind::kPattern},
      {"F|re: abc", Kind::kRegex},
      {"F: 7", Kind::kNumber},
      {"F: true", Kind::kBool},
      {"F: null", Kind::kNull},
      {"F|exists: true", Kind::kExists},
      {"F|cidr: 10.0.0.0/8", Kind::kCidr},
      {"F|lt: 7", Kind::kCompare},
      {"F|hour: 7", Kind::kTimePart},
      {"F|fieldref: G", Kind::kFieldRef},
  };
  for (const auto& c : kCases) {
    const Item item(c.item);
    EXPECT_EQ(static_cast<int>(item.kind()), static_cast<int>(c.kind)) << c.item;
    EXPECT_TRUE(item.shared()) << c.item;
  }
}

struct Case {
  const char* item;
  const char* json;
  bool holds;
};

void ExpectAll(const std::vector<Case>& cases) {
  for (const Case& c : cases) EXPECT_EQ(Item(c.item).Holds(c.json), c.holds) << c.item << " on " << c.json;
}

TEST(PredicateTest, TextIsComparedInAnyCaseUnlessCased) {
  ExpectAll({
      {"F: AbC", R"({"F":"aBc"})", true},
      {"F: ÄRGER", R"({"F":"ärger"})", true},
      {"F|cased: AbC", R"({"F":"aBc"})", false},
      {"F|cased: AbC", R"({"F":"AbC"})", true},
      {"F: abc", R"({"F":"abcd"})", false},
      {"F: abc", R"({"f":"abc"})", false},
      {"F: abc", R"({"F":"\u0061bc"})", true},
      {"F|startswith: ab", R"({"F":"ABC"})", true},
      {"F|startswith: bc", R"({"F":"ABC"})", false},
      {"F|endswith: bc", R"({"F":"ABC"})", true},
      {"F|endswith|cased: bc", R"({"F":"ABC"})", false},
      {"F|contains: b", R"({"F":"ABC"})", true},
      {"F|contains: abcd", R"({"F":"ABC"})", false},
      {"F: 'a*c?e'", R"({"F":"A...CdE"})", true},
      {"F: 'a*c?e'", R"({"F":"A...Ce"})", false},
      {"F: 'a?c'", R"({"F":"aöc"})", true},
      {"F: '*'", R"({"F":""})", true},
      {"F: ''", R"({"F":""})", true},
      {"F: ''", R"({"F":" "})", false},
      {"F: ''", R"({})", false},
  });
}

TEST(PredicateTest, TextTestsSeeNumbersAndBooleansAsText) {
  ExpectAll({
      {"F|contains: 46", R"({"F":4688})", true},
      {"F: '46*'", R"({"F":4688.0})", true},
      {"F: 'tr*'", R"({"F":true})", true},
      {"F|re: ^46", R"({"F":4688})", true},
      {"F|contains: a", R"({"F":null})", false},
      {"F|contains: a", R"({"F":{"a":"a"}})", false},
  });
}

TEST(PredicateTest, AnyElementOfAnArrayMayHold) {
  ExpectAll({
      {"F: b", R"({"F":["a","B"]})", true},
      {"F: b", R"({"F":["a",["c",["b"]]]})", true},
      {"F: b", R"({"F":[]})", false},
      {"F: b", R"({"F":["a",null,7]})", false},
      {"F: b", R"({"F":"a","F":"b"})", true},
      {"G.H: b", R"({"G":[{"H":"a"},{"H":"b"}]})", true},
      {"F|re: ^b$", R"({"F":["a","b"]})", true},
      {"F|cidr: 10.0.0.0/8", R"({"F":["192.0.2.1","10.1.2.3"]})", true},
  });
}

TEST(PredicateTest, RegexesAreSearchedForAndCasedUnlessTheySayOtherwise) {
  ExpectAll({
      {"F|re: b+c", R"({"F":"abbbcd"})", true},
      {"F|re: B+c", R"({"F":"abbbcd"})", false},
      {"F|re|i: B+c", R"({"F":"abbbcd"})", true},
      {"F|re: ^b", R"({"F":"a\nb"})", false},
      {"F|re|m: ^b", R"({"F":"a\nb"})", true},
      {"F|re: a.b", R"({"F":"a\nb"})", false},
      {"F|re|s: a.b", R"({"F":"a\nb"})", true},
      {"F|re: b$", R"({"F":"ab\n"})", true},
      {"F|re: b$", R"({"F":"ab\n\n"})", false},
  });
}

TEST(PredicateTest, NumbersAreEqualHoweverTheyAreWritten) {
  for (const char* json : {R"({"F":7})", R"({"F":7.0})", R"({"F":"7"})", R"({"F":"007"})", R"({"F":"+7"})",
                           R"({"F":"7.0"})", R"({"F":70e-1})"})
    EXPECT_TRUE(Item("F: 7").Holds(json)) << json;
  for (const char* json : {R"({"F":8})", R"({"F":7.5})", R"({"F":"0x7"})", R"({"F":" 7"})", R"({"F":"7e0"})",
                           R"({"F":"seven"})", R"({"F":true})", R"({"F":null})", R"({})"})
    EXPECT_FALSE(Item("F: 7").Holds(json)) << json;
  ExpectAll({
      {"F: 9007199254740993", R"({"F":9007199254740993})", true},
      {"F: 9007199254740993", R"({"F":9007199254740992})", false},
      {"F: 1.5", R"({"F":"1.50"})", true},
      {"F|lt: 7", R"({"F":6.99})", true},
      {"F|lt: 7", R"({"F":7})", false},
      {"F|lte: 7", R"({"F":"7"})", true},
      {"F|gt: 7", R"({"F":"8"})", true},
      {"F|gt: 7", R"({"F":"abc"})", false},
      {"F|gte: -7", R"({"F":-7})", true},
      {"F|gt: 7", R"({"F":1e999999})", true},
  });
}

TEST(PredicateTest, BooleansAreTheirNamesToo) {
  ExpectAll({
      {"F: true", R"({"F":true})", true},
      {"F: true", R"({"F":"TRUE"})", true},
      {"F: true", R"({"F":false})", false},
      {"F: true", R"({"F":1})", false},
      {"F: false", R"({"F":"false"})", true},
      {"F: false", R"({})", false},
  });
}

TEST(PredicateTest, NullIsWhateverHasNoValue) {
  ExpectAll({
      {"F: null", R"({})", true},
      {"F: null", R"({"F":null})", true},
      {"F: null", R"({"F":[]})", true},
      {"F: null", R"({"F":[null,null]})", true},
      {"F: null", R"({"F":[null,"a"]})", false},
      {"F: null", R"({"F":""})", false},
      {"F: null", R"({"F":0})", false},
      {"F|exists: true", R"({"F":null})", true},
      {"F|exists: true", R"({"F":[]})", true},
      {"F|exists: true", R"({})", false},
      {"F|exists: false", R"({})", true},
      {"F|exists: false", R"({"F":""})", false},
  });
}

TEST(PredicateTest, AddressesLieInNetworksOfTheirFamily) {
  ExpectAll({
      {"F|cidr: 10.0.0.0/8", R"({"F":"10.255.0.1"})", true},
      {"F|cidr: 10.0.0.0/8", R"({"F":"11.0.0.1"})", false},
      {"F|cidr: 10.0.0.0/8", R"({"F":"::ffff:10.0.0.1"})", false},
      {"F|cidr: 2001:db8::/32", R"({"F":"2001:DB8::7"})", true},
      {"F|cidr: 10.0.0.0/8", R"({"F":"10.0.0"})", false},
      {"F|cidr: 0.0.0.0/0", R"({"F":167772161})", false},
  });
}

TEST(PredicateTest, PartsOfTimesAreReadFromTextAndFromNumbers) {
  ExpectAll({
      {"F|hour: 23", R"({"F":"2026-11-22T23:59:58.123+05:00"})", true},
      {"F|minute: 59", R"({"F":"2026-11-22 23:59:58"})", true},
      {"F|day: 22", R"({"F":"2026-11-22T23:59:58Z"})", true},
      {"F|week: 47", R"({"F":"2026-11-22T23:59:58Z"})", true},
      {"F|month: 11", R"({"F":"2026-11-22T23:59:58Z"})", true},
      {"F|year: 2026", R"({"F":"2026-11-22T23:59:58Z"})", true},
      {"F|hour: 5", R"({"F":"2026-11-22T23:59:58Z"})", false},
      {"F|hour: 23", R"({"F":"23:59:58"})", false},
      // 2023-11-14T22:13:20Z
      {"F|hour: 22", R"({"F":1700000000})", true},
      {"F|minute: 13", R"({"F":1700000000123})", true},
      {"F|year: 2023", R"({"F":1700000000.5})", true},
      {"F|year: 2023", R"({"F":true})", false},
  });
}

TEST(PredicateTest, AFieldIsComparedWithAnyValueOfAnother) {
  ExpectAll({
      {"F|fieldref: G", R"({"F":"Abc","G":"aBC"})", true},
      {"F|cased|fieldref: G", R"({"F":"Abc","G":"aBC"})", false},
      {"F|fieldref: G", R"({"F":7,"G":"7"})", true},
      {"F|fieldref: G", R"({"F":["a","b"],"G":["c","B"]})", true},
      {"F|fieldref: G", R"({"F":"a"})", false},
      {"F|fieldref: G", R"({"F":null,"G":null})", false},
      {"F|fieldref|contains: G", R"({"F":"xaby","G":"AB"})", true},
      {"F|fieldref|startswith: G", R"({"F":"abc","G":"AB"})", true},
      {"F|fieldref|startswith: G", R"({"F":"xabc","G":"AB"})", false},
      {"F|fieldref|endswith: G", R"({"F":"xab","G":"AB"})", true},
  });
}

TEST(PredicateTest, KeywordsAreSearchedForInEveryValue) {
  ExpectAll({
      {"- AbC", R"({"X":"1","Y":{"Z":["q","xabcx"]}})", true},
      {"- AbC", R"({"abc":"key, not value"})", false},
      {"- 4688", R"({"E":14688})", true},
  });
}

TEST(PredicateTest, ARenamedFieldIsReadUnderItsNewName) {
  const Item item("F: abc");
  EXPECT_FALSE(item.Holds(R"({"Renamed":"abc"})"));
  EXPECT_TRUE(item.Holds(R"({"Renamed":"abc"})", item.RenamedTo("Renamed")));
  EXPECT_FALSE(item.Holds(R"({"F":"abc"})", item.RenamedTo("Renamed")));
  const Item null("F: null");
  EXPECT_TRUE(null.Holds(R"({"F":"abc"})", null.RenamedTo("Renamed")));
}

TEST(PredicateTest, ATextAloneIsTestedLikeAFieldThatHoldsIt) {
  const std::vector<std::string> items = {
      "F: 4688",    "F: '4688'", "F: '46*'",          "F|re: ^46[0-9]{2}$", "F|gt: 4000",
      "F|lt: 4000", "F: null",   "F|exists: true",    "F|exists: false",    "F|contains: 68",
      "F: true",    "F: '?688'", "F|cidr: 10.0.0.0/8"};
  for (const std::string& item : items) {
    const Item predicate(item);
    for (const char* text : {"4688", "4624", "1", "0"}) {
      EXPECT_EQ(predicate.HoldsText(text), predicate.Holds(std::string(R"({"F":")") + text + "\"}"))
          << item << " on " << text;
      EXPECT_EQ(predicate.HoldsText(text), predicate.Holds(std::string(R"({"F":)") + text + "}"))
          << item << " on the number " << text;
    }
  }
}

}  // namespace
}  // namespace redthread
