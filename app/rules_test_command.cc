#include "app/rules_test_command.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "app/exit_code.h"
#include "app/numbers.h"
#include "app/rule_test.h"
#include "core/text.h"

namespace redthread {
namespace {

const char* ResultName(const RuleTestResult& result) {
  if (!result.tested()) return "untested";
  return result.passed() ? "passed" : "failed";
}

Style ResultStyle(const RuleTestResult& result) {
  if (!result.tested()) return Style::kDim;
  return result.passed() ? Style::kGreen : Style::kRed;
}

std::string TestRecord(const RuleTestResult& result, const RuleSet& rules) {
  std::string json = "{\"kind\":\"rule_test\",\"path\":";
  AppendJsonString(result.path, &json);
  json += ",\"rules\":[";
  for (const RuleIndex i : result.rules) {
    if (json.back() != '[') json += ',';
    AppendJsonString(rules.rules[i].id, &json);
  }
  json += "],\"correlations\":[";
  for (const CorrelationIndex i : result.correlations) {
    if (json.back() != '[') json += ',';
    AppendJsonString(rules.correlations[i].id, &json);
  }
  json.append("],\"result\":\"").append(ResultName(result));
  json += "\",\"fire\":{\"events\":" + std::to_string(result.fire_events) +
          ",\"matched\":" + std::to_string(result.fire_matched) +
          "},\"quiet\":{\"events\":" + std::to_string(result.quiet_events) +
          ",\"matched\":" + std::to_string(result.quiet_matched) +
          "},\"alerts\":{\"expected\":" + std::to_string(result.expected_alerts) +
          ",\"raised\":" + std::to_string(result.raised_alerts) + "},\"problems\":[";
  for (const PlacedProblem& p : result.problems) {
    if (json.back() != '[') json += ',';
    AppendJsonString(p.Render(), &json);
  }
  return json + "]}";
}

Row TestRow(const RuleTestResult& result) {
  return {{ResultName(result), ResultStyle(result)},
          {std::to_string(result.fire_matched) + "/" + std::to_string(result.fire_events)},
          {std::to_string(result.quiet_matched) + "/" + std::to_string(result.quiet_events)},
          {std::to_string(result.raised_alerts) + "/" + std::to_string(result.expected_alerts)},
          {result.path}};
}

// Writes all results; false when some rule failed.
Result<bool> WriteResults(const std::vector<RuleTestResult>& results, const RuleSet& rules,
                          CommandContext* context) {
  ResultWriter writer(
      context->options.output, context->out, stdout,
      {{"RESULT"}, {"FIRE", true}, {"QUIET", true}, {"ALERTS", true}, {"RULE FILE", false, true, true}});
  size_t passed = 0;
  size_t failed = 0;
  size_t untested = 0;
  for (const RuleTestResult& result : results) {
    for (const PlacedProblem& p : result.problems) TellProblem(p, context->messages);
    ++(!result.tested() ? untested : result.passed() ? passed : failed);
    if (writer.wants_rows()) {
      writer.AddRow(TestRow(result));
    } else {
      writer.AddRecord(TestRecord(result, rules));
    }
  }
  RT_RETURN_IF_ERROR(writer.Finish());
  context->messages->Count(Counted(results.size(), "rule file") + ": " + WithThousands(passed) + " passed, " +
                           WithThousands(failed) + " failed, " + WithThousands(untested) + " untested");
  return failed == 0;
}

}  // namespace

void AddRulesTestCommand(CommandTree* tree, CLI::App* parent) {
  auto options = std::make_shared<RuleOptions>();
  CLI::App* app =
      tree->Add(parent,
                {"test",
                 "run the events beside rules: name.fire.ndjson must match, name.quiet.ndjson must not; of "
                 "name.events.ndjson must come the alerts of name.alerts.ndjson",
                 {"redthread rules test                     the shipped rules",
                  "redthread rules test -r my_rule.yml      with my_rule.fire.ndjson, my_rule.quiet.ndjson"}},
                [options](CommandContext* c) { return RunRulesTest(*options, c); });
  AddRuleOptions(app, options.get());
}

int RunRulesTest(const RuleOptions& options, CommandContext* context) {
  Result<std::shared_ptr<const RuleSet>> rules = LoadRulesFor(options);
  Status status = rules.status();
  if (status.ok()) {
    TellRuleProblems(**rules, context->messages);
    Result<std::shared_ptr<const Engine>> engine = LoadEngineFor(*rules, {});
    status = engine.status();
    if (status.ok()) {
      const Result<bool> passed = WriteResults(TestRules(*engine), **rules, context);
      status = passed.status();
      if (status.ok() && !(*rules)->problems.empty()) return kExitUsage;
      if (status.ok()) return *passed ? kExitDone : kExitFindings;
    }
  }
  context->messages->Error(status.message());
  return ExitCodeOf(status);
}

}  // namespace redthread
