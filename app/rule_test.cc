#include "app/rule_test.h"

#include <algorithm>
#include <utility>

#include "app/rule_alert_test.h"
#include "app/test_file.h"

namespace redthread {
namespace {

// Runs the events of one file through the rules of another.
class RuleFileTest {
 public:
  RuleFileTest(Pipeline* pipeline, RuleTestResult* result) : pipeline_(pipeline), result_(result) {}

  void RunFile(const std::string& path, bool must_match) {
    std::string problem;
    const std::optional<std::string> text = ReadTestFile(path, &problem);
    if (!problem.empty()) result_->problems.push_back({path, 0, 0, problem});
    if (!text) return;
    int line = 1;
    for (size_t begin = 0; begin < text->size(); ++line) {
      const size_t end = std::min(text->find('\n', begin), text->size());
      std::string record = text->substr(begin, end - begin);
      begin = end + 1;
      if (!record.empty() && record.back() == '\r') record.pop_back();
      if (!record.empty()) RunEvent({path, line, 1, ""}, std::move(record), must_match);
    }
  }

 private:
  void RunEvent(PlacedProblem place, std::string record, bool must_match) {
    const size_t size = record.size();
    record.append(Decoder::kPadding, '\0');
    const DecodeResult decoded =
        pipeline_->Process({record.data(), size}, FactsTable::kNotDeclared, Position{}, Timestamp{});
    const bool matched = Matched();
    ++(must_match ? result_->fire_events : result_->quiet_events);
    if (matched) ++(must_match ? result_->fire_matched : result_->quiet_matched);
    if (decoded.outcome == DecodeOutcome::kDead || decoded.outcome == DecodeOutcome::kDamaged) {
      place.column = static_cast<int>(decoded.offset) + 1;
      place.message = std::string("cannot be read: ") + decoded.reason;
    } else if (matched == must_match) {
      return;
    } else if (must_match) {
      place.message = "must match and does not";
    } else {
      place.message = "must not match and does, through " + Explanation();
    }
    result_->problems.push_back(std::move(place));
  }

  bool Matched() const {
    const std::vector<RuleIndex>& matches = pipeline_->matches();
    return std::any_of(result_->rules.begin(), result_->rules.end(), [&matches](RuleIndex r) {
      return std::binary_search(matches.begin(), matches.end(), r);
    });
  }

  // "selection (Image, CommandLine)" of the first rule of the file that matched.
  std::string Explanation() {
    std::string text;
    for (const RuleIndex rule : result_->rules) {
      const std::vector<RuleIndex>& matches = pipeline_->matches();
      if (!std::binary_search(matches.begin(), matches.end(), rule)) continue;
      for (const MatchedSelection& s :
           pipeline_->detector().Explain(pipeline_->event(), pipeline_->facts(), rule)) {
        text += (text.empty() ? "" : ", ") + s.name + " (";
        for (size_t i = 0; i < s.fields.size(); ++i) text += (i == 0 ? "" : ", ") + s.fields[i];
        text += ")";
      }
      break;
    }
    return text;
  }

  Pipeline* pipeline_;
  RuleTestResult* result_;
};

// "a/b.yml" -> "a/b".
std::string WithoutExtension(const std::string& path) {
  const size_t dot = path.rfind('.');
  const size_t slash = path.rfind('/');
  return dot == std::string::npos || (slash != std::string::npos && dot < slash) ? path : path.substr(0, dot);
}

}  // namespace

std::vector<RuleTestResult> TestRules(const std::shared_ptr<const Engine>& engine) {
  std::vector<RuleTestResult> results;
  const std::vector<Rule>& rules = engine->rules().rules;
  for (RuleIndex i = 0; i < rules.size(); ++i) {
    const std::string& path = *rules[i].where.file;
    if (results.empty() || results.back().path != path) {
      results.emplace_back();
      results.back().path = path;
    }
    results.back().rules.push_back(i);
  }
  for (CorrelationIndex i = 0; i < engine->rules().correlations.size(); ++i) {
    const std::string& path = *engine->rules().correlations[i].where.file;
    auto file = std::find_if(results.begin(), results.end(),
                             [&path](const RuleTestResult& r) { return r.path == path; });
    if (file == results.end()) {
      file = results.emplace(results.end());
      file->path = path;
    }
    file->correlations.push_back(i);
  }
  Pipeline pipeline(engine);
  for (RuleTestResult& result : results) {
    const std::string stem = WithoutExtension(result.path);
    RuleFileTest test(&pipeline, &result);
    test.RunFile(stem + ".fire.ndjson", true);
    test.RunFile(stem + ".quiet.ndjson", false);
    TestAlerts(engine, stem, &result);
  }
  return results;
}

}  // namespace redthread
