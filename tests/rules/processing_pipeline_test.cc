// Processing pipelines as files: what is refused, and where.
#include "rules/processing_pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/temporary_folder.h"

namespace redthread {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

Result<std::shared_ptr<const ProcessingPipelines>> Parse(const std::string& text) {
  return ParsePipelines({{"p.yml", text}});
}

TEST(ProcessingPipelineTest, WhatIsWrongIsToldWithItsPlace) {
  const struct {
    const char* yaml;
    const char* problem;
  } kCases[] = {
      {"", "p.yml:1:1: the file must hold one document"},
      {"transformation: []\n",
       "p.yml:1:1: `transformation` is no key of a processing pipeline, did you mean "
       "`transformations`?"},
      {"priority: high\n", "p.yml:1:11: `priority` must be a number"},
      {"vars: [a]\n", "p.yml:1:7: `vars` must be a map"},
      {"vars: {a: []}\n", "p.yml:1:11: `a` has no values"},
      {"transformations: {a: b}\n", "p.yml:1:18: `transformations` must be a list"},
      {"transformations: [a]\n", "p.yml:1:19: an item must be a map"},
      {"transformations: [{id: a}]\n", "p.yml:1:19: `type` must be there"},
      {"transformations: [{type: field_name_maping, mapping: {}}]\n",
       "p.yml:1:26: `field_name_maping` is no transformation, did you mean `field_name_mapping`?"},
      {"transformations: [{type: field_name_mapping, mappings: {a: b}}]\n",
       "p.yml:1:46: `mappings` is no key of `field_name_mapping`, did you mean `mapping`?"},
      {"transformations: [{type: field_name_mapping, mapping: {a: []}}]\n",
       "p.yml:1:59: no field name; to drop what asks for `a` use drop_detection_item"},
      {"transformations: [{type: field_name_mapping, mapping: {a: {b: c}}}]\n", "must be text, not a map"},
      {"transformations: [{type: query_expression_placeholders, expression: x}]\n",
       "p.yml:1:26: `query_expression_placeholders` makes text of a query language"},
      {"transformations: [{type: http_placeholders}]\n", "use value_placeholders"},
      {"transformations: [{type: case, method: lower}]\n", "`case` is not available here"},
      {"transformations: [{type: regex, method: plain}]\n", "write `|cased` in the rule"},
      {"transformations: [{type: replace_string, regex: '(', replacement: a}]\n",
       "p.yml:1:49: this regular expression does not compile under RE2"},
      {"transformations: [{type: replace_string, regex: '(?<=a)b', replacement: a}]\n", "does not compile"},
      {"transformations: [{type: replace_string, regex: 'a', replacement: '\\1'}]\n",
       "this replacement cannot be used"},
      {"transformations: [{type: set_value, value: x, force_type: num}]\n", "p.yml:1:44: `x` is no number"},
      {"transformations: [{type: value_placeholders, include: [a], exclude: [b]}]\n", "exclude each other"},
      {"transformations: [{type: add_condition, conditions: {a|contians: b}}]\n",
       "p.yml:1:56: `contians` is no modifier, did you mean `contains`?"},
      {"transformations: [{type: change_logsource}]\n", "never fires"},
      {"transformations: [{type: drop_detection_item, rule_conditions: [{type: logsorce, product: a}]}]\n",
       "p.yml:1:72: `logsorce` is no condition on rules, did you mean `logsource`?"},
      {"transformations: [{type: drop_detection_item, rule_conditions: [{type: include_fields, fields: "
       "[a]}]}]\n",
       "`include_fields` is no condition on rules, which are logsource,"},
      {"transformations: [{type: drop_detection_item, rule_conditions: [{type: logsource}]}]\n",
       "this would hold for every rule"},
      {"transformations: [{type: drop_detection_item, rule_conditions: [{type: rule_attribute, attribute: "
       "level, value: hihg}]}]\n",
       "`hihg` is none of informational, low, medium, high and critical, did you mean `high`?"},
      {"transformations: [{type: drop_detection_item, field_name_conditions: [{type: include_fields, fields: "
       "[a], mode: regex}]}]\n",
       "`regex` is none of plain and re"},
      {"transformations: [{type: drop_detection_item, rule_cond_not: true}]\n",
       "there are no `rule_conditions` to negate"},
      {"transformations: [{type: drop_detection_item, rule_cond_op: xor}]\n", "`xor` is none of and and or"},
      {"transformations: [{type: drop_detection_item, rule_cond_expr: a, rule_conditions: [{type: tag, tag: "
       "a}]}]\n",
       "write the conditions as `name: {type: ...}`"},
      {"transformations: [{type: drop_detection_item, rule_cond_expr: a and c, rule_conditions: {a: {type: "
       "tag, "
       "tag: a}, b: {type: tag, tag: b}}}]\n",
       "p.yml:1:69: "},
      {"transformations: [{type: drop_detection_item, rule_cond_expr: a, rule_conditions: {a: {type: tag, "
       "tag: "
       "a}, b: {type: tag, tag: b}}}]\n",
       "the expression does not name this condition"},
      {"transformations: [{type: nest, items: [{type: nest, items: 1}]}]\n",
       "`items` must be there, as a list"},
  };
  for (const auto& c : kCases) {
    const auto pipelines = Parse(c.yaml);
    ASSERT_FALSE(pipelines.ok()) << c.yaml;
    EXPECT_THAT(pipelines.status().message(), HasSubstr(c.problem)) << c.yaml;
  }
}

TEST(ProcessingPipelineTest, AllThatIsWrongIsToldAtOnce) {
  const auto pipelines = Parse("prio: 1\ntransformations: [{type: a}, {type: set_state}]\n");
  ASSERT_FALSE(pipelines.ok());
  const std::string message = pipelines.status().message();
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 3) << message;
}

TEST(ProcessingPipelineTest, WhatHasNoMeaningHereIsNoticed) {
  const auto pipelines = Parse(
      "name: n\npriority: 5\nallowed_backends: [splunk]\nvars: {a: b}\n"
      "transformations:\n- {type: regex, method: ignore_case_flag}\n- {type: add_field, field: x}\n"
      "postprocessing: [{type: embed, prefix: x}]\nfinalizers: [{type: concat}]\n");
  ASSERT_TRUE(pipelines.ok()) << pipelines.status().message();
  ASSERT_THAT((*pipelines)->notices, SizeIs(4));
  EXPECT_THAT((*pipelines)->notices[0].Render(), HasSubstr("p.yml:6:3: `regex` has no effect here"));
  EXPECT_THAT((*pipelines)->notices[1].Render(), HasSubstr("p.yml:8:17: `postprocessing`"));
  EXPECT_THAT((*pipelines)->notices[2].Render(), HasSubstr("p.yml:9:13: `finalizers`"));
  EXPECT_THAT((*pipelines)->notices[3].Render(), HasSubstr("p.yml:3:19: `allowed_backends`"));
}

TEST(ProcessingPipelineTest, VariablesOfLaterPipelinesWin) {
  const auto pipelines = ParsePipelines({{"a.yml", "priority: 2\nvars: {x: late, y: 1}\n"},
                                         {"b.yml", "priority: 1\nvars: {x: early, z: [1, 2]}\n"}});
  ASSERT_TRUE(pipelines.ok());
  EXPECT_EQ((*pipelines)->variables.at("x"), std::vector<std::string>{"late"});
  EXPECT_EQ((*pipelines)->variables.at("y"), std::vector<std::string>{"1"});
  EXPECT_EQ((*pipelines)->variables.at("z"), (std::vector<std::string>{"1", "2"}));
}

TEST(ProcessingPipelineTest, FilesAndFoldersAreRead) {
  const TemporaryFolder folder;
  folder.Write("one.yml", "transformations: [{type: drop_detection_item}]\n");
  folder.Write("two.yml", "transformations: [{type: drop_detection_item}]\n");
  const auto pipelines = LoadPipelines({folder.path()});
  ASSERT_TRUE(pipelines.ok()) << pipelines.status().message();
  EXPECT_THAT((*pipelines)->items, SizeIs(2));
  const auto missing = LoadPipelines({folder.path() + "/none.yml"});
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.status().message(), HasSubstr("none.yml: no such file or folder"));
  const auto none = LoadPipelines({});
  ASSERT_TRUE(none.ok());
  EXPECT_EQ(*none, nullptr);
}

}  // namespace
}  // namespace redthread
