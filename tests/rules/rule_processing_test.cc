// What processing pipelines make of rules.
#include "rules/rule_processing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "rules/condition.h"
#include "rules/rule_set.h"
#include "tests/rules/describe.h"

namespace redthread {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::shared_ptr<const ProcessingPipelines> Pipelines(const std::vector<std::string>& texts) {
  std::vector<PipelineFile> files;
  for (size_t i = 0; i < texts.size(); ++i) files.push_back({"p" + std::to_string(i) + ".yml", texts[i]});
  Result<std::shared_ptr<const ProcessingPipelines>> pipelines = ParsePipelines(files);
  EXPECT_TRUE(pipelines.ok()) << pipelines.status().message();
  return pipelines.ok() ? *pipelines : nullptr;
}

RuleSet Load(const std::string& yaml, const std::vector<std::string>& pipelines,
             const SiteVariables& variables = {}) {
  RuleLoadOptions options{variables, {}};
  if (!pipelines.empty()) options.pipelines = Pipelines(pipelines);
  return LoadRulesFromText(yaml, "r.yml", options);
}

std::vector<std::string> Rendered(const std::vector<RuleProblem>& problems) {
  std::vector<std::string> lines;
  for (const RuleProblem& p : problems) lines.push_back(p.Render());
  return lines;
}

std::string Describe(const RuleLogic& logic) {
  std::vector<std::string_view> names;
  std::string text;
  for (const Search& search : logic.searches) {
    names.push_back(search.name);
    text += search.name + "= " + Describe(search.root) + "; ";
  }
  return text + ConditionText(logic.condition, names);
}

// One rule, windows/process_creation, with this body of `detection`.
std::string RuleWith(const std::string& detection) {
  return "title: T\nid: 1\nlevel: high\nstatus: test\nauthor: A\ndate: 2024-05-01\n"
         "tags: [attack.t1059]\nteam: blue\n"
         "logsource: {product: windows, category: process_creation}\ndetection:\n" +
         detection;
}

// What a pipeline of these items makes of it, or why there is nothing.
std::string Processed(const std::string& items, const std::string& detection) {
  const RuleSet set =
      Load(RuleWith(detection), {"vars: {admins: [root, 'adm_*']}\ntransformations:\n" + items});
  for (const RuleProblem& p : set.problems) return "problem " + p.Render();
  for (const RuleProblem& p : set.left_out) return p.Render();
  for (const RuleProblem& p : set.need_site_variables) return p.Render();
  return set.rules.size() == 1 ? Describe(set.rules[0].logic) : "nothing";
}

struct Case {
  const char* items;
  const char* detection;
  const char* result;
};

void Check(const std::vector<Case>& cases) {
  for (const Case& c : cases) EXPECT_EQ(Processed(c.items, c.detection), c.result) << c.items << c.detection;
}

constexpr char kImage[] = "  s: {Image: a.exe}\n  condition: s\n";

TEST(RuleProcessingTest, FieldNamesAreMapped) {
  Check({
      {"- {type: field_name_mapping, mapping: {Image: process.executable}}\n",
       "  s: {Image|endswith: '\\a.exe', User: u}\n  condition: s\n",
       "s= (process.executable: pattern *\\a.exe and User: pattern u); s"},
      {"- {type: field_name_mapping, mapping: {Image: [x, y]}}\n", "  s: {Image: a, U: u}\n  condition: s\n",
       "s= ((x: pattern a or y: pattern a) and U: pattern u); s"},
      {"- {type: field_name_mapping, mapping: {Image: [x, y]}}\n", "  s: {Image|neq: a}\n  condition: s\n",
       "s= (not x: pattern a and not y: pattern a); s"},
      {"- {type: field_name_prefix_mapping, mapping: {win.: 'event.', w: z}}\n",
       "  s: {win.a: 1, wb: 2, c: 3}\n  condition: s\n",
       "s= (event.a: number 1 and zb: number 2 and c: number 3); s"},
      {"- {type: field_name_prefix, prefix: 'x.'}\n", kImage, "s= x.Image: pattern a.exe; s"},
      {"- {type: field_name_suffix, suffix: .keyword}\n", kImage, "s= Image.keyword: pattern a.exe; s"},
      {"- {type: field_name_suffix, suffix: .k}\n", "  s: [word]\n  condition: s\n",
       "s= keywords: pattern *word*; s"},
      {"- {type: field_name_mapping, mapping: {null: message}}\n", "  s: [one, two]\n  condition: s\n",
       "s= message: pattern *one* | pattern *two*; s"},
      {"- {type: field_name_mapping, mapping: {B: x.b}}\n", "  s: {A|fieldref: B}\n  condition: s\n",
       "s= A: field x.b; s"},
      {"- {type: field_name_mapping, mapping: {A: x.a, B: x.b}}\n",
       "  s: [{A: 1}, {B: 2, C: 3}]\n  condition: s\n",
       "s= (x.a: number 1 or (x.b: number 2 and C: number 3)); s"},
  });
}

TEST(RuleProcessingTest, ItemsAreDroppedAndWhatIsLeftOfTheConditionStands) {
  const char* drop =
      "- type: drop_detection_item\n  field_name_conditions: [{type: include_fields, fields: [X]}]\n";
  Check({
      {drop, "  s: {X: 1, Y: 2}\n  condition: s\n", "s= Y: number 2; s"},
      {drop, "  s: {X: 1}\n  t: {Y: 2}\n  condition: s and t\n", "t= Y: number 2; t"},
      {drop, "  s: {Y: 2}\n  f: {X: 1}\n  condition: s and not f\n", "s= Y: number 2; s"},
      {drop, "  s: [{X: 1}, {Y: 2}, {Z: 3}]\n  condition: s\n", "s= (Y: number 2 or Z: number 3); s"},
      {drop, "  s: {X: 1}\n  condition: s\n",
       "r.yml:1:1: left out by a processing pipeline: a processing pipeline drops all that the rule asks "
       "for, "
       "so it would match every event"},
      {drop, "  s: {X: 1}\n  t: {X: 2}\n  condition: not s or t\n",
       "r.yml:1:1: left out by a processing pipeline: a processing pipeline drops all that the rule asks "
       "for, "
       "so it would match every event"},
  });
}

TEST(RuleProcessingTest, ConditionsAreAdded) {
  Check({
      {"- {type: add_condition, conditions: {EventID: 1, Channel|endswith: x}}\n", kImage,
       "s= Image: pattern a.exe; _cond= (EventID: number 1 and Channel: pattern *x); _cond and s"},
      {"- {type: add_condition, conditions: {a: 1}, negated: true}\n",
       "  s: {b: 2}\n  condition: [s, not s]\n",
       "s= b: number 2; _cond= a: number 1; not _cond and (s or not s)"},
      {"- {type: add_condition, name: s, conditions: {a: 1}}\n", kImage,
       "s= Image: pattern a.exe; s_2= a: number 1; s_2 and s"},
      {"- {type: add_condition, conditions: {a: '$product/${category}/$service$$'}, template: true}\n",
       kImage, "s= Image: pattern a.exe; _cond= a: pattern windows/process_creation/$service$; _cond and s"},
      {"- {type: add_condition, conditions: {a: '$product'}}\n", kImage,
       "s= Image: pattern a.exe; _cond= a: pattern $product; _cond and s"},
      {"- {type: add_condition, conditions: {Image: b}}\n- {type: field_name_mapping, mapping: {Image: x}}\n",
       kImage, "s= x: pattern a.exe; _cond= x: pattern b; _cond and s"},
  });
}

TEST(RuleProcessingTest, ValuesAreChanged) {
  Check({
      {"- {type: replace_string, regex: '^\\*\\\\', replacement: '*/'}\n",
       "  s: {Image|endswith: '\\a.exe', U: '\\x'}\n  condition: s\n",
       "s= (Image: pattern */a.exe and U: pattern \\x); s"},
      {"- {type: replace_string, regex: '(\\w+)\\.exe', replacement: '\\1.bin'}\n",
       "  s: {Image|startswith: [a.exe, b]}\n  condition: s\n", "s= Image: pattern a.bin* | pattern b*; s"},
      {"- {type: replace_string, regex: 'a', replacement: '*', skip_special: true}\n",
       "  s: {Image|contains: xay}\n  condition: s\n", "s= Image: pattern *x\\*y*; s"},
      {"- {type: replace_string, regex: a, replacement: '*', skip_special: true, interpret_special: true}\n",
       "  s: {Image|contains: xay}\n  condition: s\n", "s= Image: pattern *x*y*; s"},
      {"- {type: replace_string, regex: a, replacement: b}\n", "  s: {Image|re: a}\n  condition: s\n",
       "s= Image: re[] a; s"},
      {"- {type: map_string, mapping: {System: S-1-16, '*x': [y, z]}}\n",
       "  s: {L: [System, High], M|endswith: x}\n  condition: s\n",
       "s= (L: pattern S-1-16 | pattern High and M: pattern y | pattern z); s"},
      {"- {type: set_value, value: 7}\n", kImage, "s= Image: number 7; s"},
      {"- {type: set_value, value: 7, force_type: str}\n", kImage, "s= Image: pattern 7; s"},
      {"- {type: convert_type, target_type: str}\n", "  s: {E: [1, 2]}\n  condition: s\n",
       "s= E: pattern 1 | pattern 2; s"},
      {"- {type: convert_type, target_type: num}\n", "  s: {E: ['1', 2]}\n  condition: s\n",
       "s= E: number 1 | number 2; s"},
      {"- {type: convert_type, target_type: num}\n", "  s: {E: one}\n  condition: s\n",
       "problem r.yml:11:10: a processing pipeline wants a number, and `one` is none"},
      {"- {type: hashes_fields, valid_hash_algos: [MD5, SHA1], field_prefix: h.}\n",
       "  s: {Hashes|contains: ['MD5=0a', 'sha1=0b', 'IMPHASH=0c', 'MD5=0d']}\n  condition: s\n",
       "s= (h.MD5: pattern 0a | pattern 0d or h.SHA1: pattern 0b); s"},
      {"- {type: hashes_fields, valid_hash_algos: [SHA256]}\n", "  s: {Hash: 'MD5=0a'}\n  condition: s\n",
       "r.yml:1:1: left out by a processing pipeline: hashes_fields knows none of the hashes in `Hash`"},
  });
}

TEST(RuleProcessingTest, PlaceholdersGetValuesOrWildcards) {
  Check({
      {"- {type: value_placeholders}\n", "  s: {U|expand: 'x-%admins%'}\n  condition: s\n",
       "s= U: pattern x-root | pattern x-adm_*; s"},
      {"- {type: value_placeholders}\n", "  s: {U|contains|all|expand: ['%admins%', y]}\n  condition: s\n",
       "s= (U: pattern *root* | pattern *adm_* and U: pattern *y*); s"},
      {"- {type: wildcard_placeholders}\n", "  s: {U|expand: 'x-%other%'}\n  condition: s\n",
       "s= U: pattern x-*; s"},
      {"- {type: value_placeholders, include: [admins]}\n- {type: wildcard_placeholders, exclude: "
       "[admins]}\n",
       "  s: {U|expand: '%admins%.%other%'}\n  condition: s\n", "s= U: pattern root.* | pattern adm_*.*; s"},
      {"- {type: value_placeholders, include: [admins]}\n", "  s: {U|expand: '%other%'}\n  condition: s\n",
       "r.yml:1:1: needs values for %other%, add them to the file of site variables"},
      {"- {type: value_placeholders}\n", "  s: {U|expand: '%other%'}\n  condition: s\n",
       "problem r.yml:11:17: %other% has no values in the `vars` of the processing pipelines"},
  });
}

TEST(RuleProcessingTest, ConditionsOnTheRuleDecideWhetherAnItemApplies) {
  const struct {
    const char* condition;
    bool holds;
  } kCases[] = {
      {"{type: logsource, product: Windows}", true},
      {"{type: logsource, product: windows, category: process_creation}", true},
      {"{type: logsource, product: windows, service: security}", false},
      {"{type: contains_field, field: Image}", true},
      {"{type: contains_field, field: image}", false},
      {"{type: contains_detection_item, field: Image, value: '*\\a.exe'}", true},
      {"{type: contains_detection_item, field: Image, value: '\\a.exe'}", false},
      {"{type: contains_detection_item, field: N, value: 5}", true},
      {"{type: contains_detection_item, field: N, value: '5'}", false},
      {"{type: is_sigma_rule}", true},
      {"{type: is_sigma_correlation_rule}", false},
      {"{type: tag, tag: attack.t1059}", true},
      {"{type: tag, tag: attack.t1060}", false},
      {"{type: rule_attribute, attribute: level, value: medium, op: gte}", true},
      {"{type: rule_attribute, attribute: level, value: critical, op: gte}", false},
      {"{type: rule_attribute, attribute: status, value: experimental, op: gt}", true},
      {"{type: rule_attribute, attribute: date, value: 2024/04/30, op: gt}", true},
      {"{type: rule_attribute, attribute: author, value: A}", true},
      {"{type: rule_attribute, attribute: author, value: A, op: ne}", false},
      {"{type: rule_attribute, attribute: team, value: blue}", true},
      {"{type: rule_attribute, attribute: absent, value: x, op: ne}", false},
      {"{type: rule_attribute, attribute: tags, value: attack.t1059, op: in}", true},
      {"{type: rule_attribute, attribute: tags, value: attack.t1059, op: not_in}", false},
      {"{type: rule_attribute, attribute: tags, value: attack.t1059, op: eq}", false},
      {"{type: processing_state, key: k, val: v}", true},
      {"{type: processing_state, key: k, val: w, op: ne}", true},
      {"{type: processing_state, key: l, val: w, op: ne}", false},
      {"{type: processing_item_applied, processing_item_id: first}", true},
      {"{type: processing_item_applied, processing_item_id: second}", false},
      {"{type: rule_attribute, attribute: mine, value: 3, op: gte}", true},
  };
  for (const auto& c : kCases) {
    const std::string items =
        "- {id: first, type: set_state, key: k, val: v}\n"
        "- {type: set_custom_attribute, attribute: mine, value: 3}\n"
        "- {id: second, type: set_value, value: 1, rule_conditions: [{type: logsource, product: aix}]}\n"
        "- {type: field_name_suffix, suffix: _x, rule_conditions: [" +
        std::string(c.condition) + "]}\n";
    const std::string result = Processed(items, "  s: {Image|endswith: '\\a.exe', N: 5}\n  condition: s\n");
    EXPECT_EQ(result.find("Image_x") != std::string::npos, c.holds) << c.condition << "\n" << result;
  }
}

TEST(RuleProcessingTest, ConditionsOnItemsAndFieldNamesChooseWhatChanges) {
  const struct {
    const char* conditions;
    const char* changed;  // names of the fields
  } kCases[] = {
      {"field_name_conditions: [{type: include_fields, fields: [A, B]}]", "AB"},
      {"field_name_conditions: [{type: include_fields, fields: ['[BC]'], mode: re}]", "BC"},
      {"field_name_conditions: [{type: exclude_fields, fields: [A]}]", "BCD"},
      {"field_name_conditions: [{type: include_fields, fields: [A]}], field_name_cond_not: true", "BCD"},
      {"field_name_conditions: [{type: include_fields, fields: [A, B]}, {type: exclude_fields, fields: [B]}]",
       "A"},
      {"field_name_conditions: [{type: include_fields, fields: [A]}, {type: include_fields, fields: [D]}], "
       "field_name_cond_op: or",
       "AD"},
      {"field_name_conditions: {a: {type: include_fields, fields: [A, B]}, b: {type: include_fields, fields: "
       "[B]}}, field_name_cond_expr: a and not b",
       "A"},
      {"detection_item_conditions: [{type: match_string, cond: any, pattern: x}]", "A"},
      {"detection_item_conditions: [{type: match_string, cond: any, pattern: '\\*x'}]", "B"},
      {"detection_item_conditions: [{type: match_string, cond: all, pattern: x, negate: true}]", "BCD"},
      {"detection_item_conditions: [{type: match_value, cond: any, value: 5}]", "C"},
      {"detection_item_conditions: [{type: match_value, cond: all, value: 5}]", ""},
      {"detection_item_conditions: [{type: contains_wildcard, cond: any}]", "B"},
      {"detection_item_conditions: [{type: is_null, cond: all}]", "D"},
      {"detection_item_conditions: [{type: is_null, cond: all}], detection_item_cond_not: true", "ABC"},
      {"detection_item_conditions: [{type: processing_item_applied, processing_item_id: first}]", "C"},
      {"field_name_conditions: [{type: processing_item_applied, processing_item_id: first}], "
       "field_name_cond_not: true",
       "ABD"},
      {"detection_item_conditions: [{type: processing_state, key: k, val: 2}]", ""},
  };
  for (const auto& c : kCases) {
    const std::string items =
        "- {id: first, type: convert_type, target_type: str, field_name_conditions: [{type: include_fields, "
        "fields: [C]}]}\n"
        "- {type: convert_type, target_type: num, field_name_conditions: [{type: include_fields, fields: "
        "[C]}]}\n"
        "- {type: field_name_suffix, suffix: _x, " +
        std::string(c.conditions) + "}\n";
    const std::string result =
        Processed(items, "  s: {A: x, B|endswith: x, C: [5, 6], D: null}\n  condition: s\n");
    for (const char name : {'A', 'B', 'C', 'D'}) {
      EXPECT_EQ(result.find(std::string(1, name) + "_x:") != std::string::npos,
                std::string(c.changed).find(name) != std::string::npos)
          << c.conditions << " " << name << "\n"
          << result;
    }
  }
}

TEST(RuleProcessingTest, NestedItemsShareStateAndIdentifiers) {
  Check(
      {{"- {type: set_state, key: k, val: 1}\n"
        "- type: nest\n"
        "  rule_conditions: [{type: logsource, product: windows}]\n"
        "  items:\n"
        "    - {id: inner, type: field_name_suffix, suffix: _x, rule_conditions: [{type: processing_state, "
        "key: k, val: 1}]}\n"
        "- {type: field_name_suffix, suffix: _y, rule_conditions: [{type: processing_item_applied, "
        "processing_item_id: inner}]}\n",
        kImage, "s= Image_x_y: pattern a.exe; s"}});
}

TEST(RuleProcessingTest, ARuleCanBeLeftOutWhichIsNoFailure) {
  Check({
      {"- {type: rule_failure, message: no data, rule_conditions: [{type: logsource, product: windows}]}\n",
       kImage, "r.yml:1:1: left out by a processing pipeline: no data"},
      {"- {type: rule_failure, message: no, rule_conditions: [{type: logsource, product: linux}]}\n", kImage,
       "s= Image: pattern a.exe; s"},
      {"- {type: detection_item_failure, message: no ids, field_name_conditions: [{type: include_fields, "
       "fields: [ProcessGuid]}]}\n",
       "  s: {ProcessGuid: 1}\n  condition: s\n", "r.yml:1:1: left out by a processing pipeline: no ids"},
      {"- {type: field_name_mapping, mapping: {Image: x, Other: y}}\n- {type: "
       "strict_field_mapping_failure}\n",
       "  s: {Image: a, User: b}\n  condition: s\n",
       "r.yml:1:1: left out by a processing pipeline: the processing pipelines map no `User`"},
  });
  const RuleSet set = Load(RuleWith(kImage), {"transformations: [{type: rule_failure, message: m}]"});
  EXPECT_EQ(set.total(), 1u);
  EXPECT_EQ(set.failed_rules, 0u);
  EXPECT_THAT(set.left_out, SizeIs(1));
}

TEST(RuleProcessingTest, TheLogSourceIsReplacedWhole) {
  const RuleSet set = Load(
      RuleWith(kImage),
      {"transformations:\n- {type: change_logsource, product: windows, service: sysmon, rule_conditions: "
       "[{type: logsource, category: process_creation}]}\n"});
  ASSERT_THAT(set.rules, SizeIs(1));
  EXPECT_EQ(set.rules[0].log_source, (LogSource{"windows", "", "sysmon"}));
}

TEST(RuleProcessingTest, PipelinesRunByPriorityThenByPath) {
  const std::string rule = RuleWith(kImage);
  const auto suffix = [](const char* priority, const char* text) {
    return std::string(priority) + "transformations: [{type: field_name_suffix, suffix: " + text + "}]\n";
  };
  const RuleSet set = Load(rule, {suffix("priority: 20\n", "_20"), suffix("priority: 10\n", "_10"),
                                  suffix("", "_0"), suffix("priority: 10\n", "_10b")});
  ASSERT_THAT(set.rules, SizeIs(1));
  EXPECT_THAT(Describe(set.rules[0].logic), HasSubstr("Image_0_10_10b_20:"));
}

TEST(RuleProcessingTest, TheIdentityIsOfWhatThePipelinesMadeOfARule) {
  const std::string rule = RuleWith(kImage);
  const auto hash = [&](const std::vector<std::string>& pipelines) {
    const RuleSet set = Load(rule, pipelines);
    return set.rules.size() == 1 ? set.rules[0].content_hash : std::string();
  };
  const std::string plain = hash({});
  EXPECT_EQ(hash({"transformations: []\n"}), plain);
  EXPECT_EQ(hash({"transformations: [{type: field_name_mapping, mapping: {Other: x}}]\n"}), plain);
  const std::string mapped = hash({"transformations: [{type: field_name_mapping, mapping: {Image: x}}]\n"});
  EXPECT_NE(mapped, plain);
  EXPECT_EQ(
      hash({"name: other\ntransformations: [{id: i, type: field_name_mapping, mapping: {Image: x}}]\n"}),
      mapped);
  EXPECT_NE(hash({"transformations: [{type: change_logsource, product: windows}]\n"}), plain);
  EXPECT_NE(hash({"transformations: [{type: add_condition, conditions: {a: 1}}]\n"}), plain);
}

TEST(RuleProcessingTest, AFilterIsProcessedAsPartOfEachRuleItAppliesTo) {
  const std::string yaml =
      RuleWith(kImage) +
      "---\ntitle: U\nid: 2\nlogsource: {product: linux}\ndetection: {s: {Image: b}, "
      "condition: s}\n"
      "---\ntitle: F\nid: 3\nlogsource: {}\nfilter: {rules: any, f: {Image: c}, condition: "
      "not f}\n";
  const RuleSet set = Load(yaml, {"transformations:\n- {type: field_name_mapping, mapping: {Image: x}, "
                                  "rule_conditions: [{type: logsource, product: windows}]}\n"});
  EXPECT_THAT(Rendered(set.problems), IsEmpty());
  ASSERT_THAT(set.rules, SizeIs(2));
  ASSERT_THAT(set.rules[0].filters, SizeIs(1));
  EXPECT_EQ(Describe(*set.rules[0].filters[0].logic), "f= x: pattern c; not f");
  EXPECT_EQ(Describe(*set.rules[1].filters[0].logic), "f= Image: pattern c; not f");
}

TEST(RuleProcessingTest, AFilterAppliesByTheLogSourceThatTheRuleWasWrittenWith) {
  const std::string yaml = RuleWith(kImage) +
                           "---\ntitle: F\nid: 3\nlogsource: {category: process_creation}\n"
                           "filter: {f: {User: c}, condition: not f}\n";
  const RuleSet set = Load(yaml, {"transformations: [{type: change_logsource, product: windows}]\n"});
  ASSERT_THAT(set.rules, SizeIs(1));
  EXPECT_THAT(set.rules[0].filters, SizeIs(1));
  EXPECT_THAT(Rendered(set.warnings), IsEmpty());
}

constexpr char kCorrelated[] =
    "title: A\nname: a\nlogsource: {product: windows}\ndetection: {s: {User: x}, condition: s}\n---\n"
    "title: B\nname: b\nlogsource: {product: windows}\ndetection: {s: {User: y}, condition: s}\n---\n"
    "title: C\nid: c\ncorrelation:\n"
    "  type: value_count\n  rules: [a, b]\n  group-by: [User, ip]\n  timespan: 1m\n"
    "  aliases: {ip: {a: SourceIp, b: DestIp}}\n  condition: {gte: 2, field: Image}\n";

TEST(RuleProcessingTest, CorrelationsHaveTheirFieldsMappedToo) {
  const RuleSet set = Load(kCorrelated, {"transformations:\n- type: field_name_mapping\n"
                                         "  mapping: {User: user.name, SourceIp: source.ip, DestIp: "
                                         "destination.ip, Image: process.executable, ip: "
                                         "no}\n  rule_conditions: [{type: logsource, product: windows}]\n"});
  EXPECT_THAT(Rendered(set.problems), IsEmpty());
  ASSERT_THAT(set.correlations, SizeIs(1));
  const Correlation& c = set.correlations[0];
  EXPECT_THAT(c.group_by, ElementsAre("user.name", "ip"));
  EXPECT_THAT(c.fields, ElementsAre("process.executable"));
  EXPECT_THAT(c.rules[0].group_fields, ElementsAre("user.name", "source.ip"));
  EXPECT_THAT(c.rules[1].group_fields, ElementsAre("user.name", "destination.ip"));
}

TEST(RuleProcessingTest, AGroupByCanBecomeSeveralFieldsAnAliasCannot) {
  const RuleSet several =
      Load(kCorrelated, {"transformations: [{type: field_name_mapping, mapping: {User: [u, v]}}]\n"});
  ASSERT_THAT(several.correlations, SizeIs(1));
  EXPECT_THAT(several.correlations[0].group_by, ElementsAre("u", "v", "ip"));
  const RuleSet refused =
      Load(kCorrelated, {"transformations: [{type: field_name_mapping, mapping: {DestIp: [u, v]}}]\n"});
  EXPECT_THAT(refused.correlations, IsEmpty());
  EXPECT_THAT(Rendered(refused.problems),
              ElementsAre(HasSubstr("maps `DestIp` to several fields, and an alias can be only one")));
}

TEST(RuleProcessingTest, ACorrelationOverARuleThatIsLeftOutIsLeftOutToo) {
  const RuleSet set =
      Load(kCorrelated, {"transformations:\n- {type: rule_failure, message: m, rule_conditions: [{type: "
                         "rule_attribute, attribute: name, value: a}]}\n"});
  EXPECT_THAT(Rendered(set.problems), IsEmpty());
  EXPECT_THAT(set.correlations, IsEmpty());
  EXPECT_THAT(Rendered(set.left_out),
              ElementsAre("r.yml:1:1: left out by a processing pipeline: m",
                          "r.yml:11:1: refers to `a`, which a processing pipeline leaves out"));
  EXPECT_EQ(set.total(), 3u);
}

TEST(RuleProcessingTest, ComplaintsStandWhereTheTextWasWritten) {
  const RuleSet set = Load(RuleWith("  s: {Image|re: '(a'}\n  condition: s\n"),
                           {"transformations: [{type: field_name_mapping, mapping: {Image: x}}]\n"});
  EXPECT_THAT(Rendered(set.problems), ElementsAre(HasSubstr("r.yml:11:17: this regular expression")));
  const RuleSet added = Load(RuleWith(kImage), {"transformations:\n- type: add_condition\n  conditions:\n"
                                                "    a|re: '(b'\n"});
  EXPECT_THAT(Rendered(added.problems), ElementsAre(HasSubstr("p0.yml:4:11: this regular expression")));
}

TEST(RuleProcessingTest, ComplaintsComeInTheOrderOfTheDocuments) {
  const std::string yaml =
      "title: A\nlogsource: {product: x}\ndetection: {s: {a|cidr: zz}, condition: s}\n---\n"
      "title: B\nlogsource: {product: x}\ndetection: {s: {a|nope: 1}, condition: s}\n---\n"
      "title: C\nlogsource: {product: x}\ndetection: {s: {a|lt: b}, condition: s}\n";
  EXPECT_THAT(Rendered(Load(yaml, {}).problems),
              ElementsAre(HasSubstr("r.yml:3:25"), HasSubstr("r.yml:7:19"), HasSubstr("r.yml:11:23")));
}

}  // namespace
}  // namespace redthread
