#include "rules/rule_set.h"

#include <iterator>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "core/text.h"
#include "rules/content_hash.h"
#include "rules/correlation_parser.h"
#include "rules/correlation_resolver.h"
#include "rules/nearest_name.h"
#include "rules/problem_list.h"
#include "rules/rule_bundle.h"
#include "rules/rule_files.h"
#include "rules/rule_parser.h"
#include "rules/yaml.h"

namespace redthread {
namespace {

std::string Place(const SourceLocation& where) {
  std::string place = Visible(where.file != nullptr ? *where.file : "");
  if (where.line > 0) place += ":" + std::to_string(where.line) + ":" + std::to_string(where.column);
  return place;
}

std::string PlaceholderList(const std::vector<std::string>& names) {
  std::vector<std::string> marked;
  for (const std::string& name : names) marked.push_back("%" + name + "%");
  return JoinNames({marked.begin(), marked.end()});
}

// Collects documents from files; what spans files (duplicate ids, filters) is settled in Finish.
class RuleLoader {
 public:
  explicit RuleLoader(const RuleLoadOptions& options) : parser_(options.variables) {}

  void LoadFile(const FoundRuleFile& file) {
    const Result<std::string> text = file.Read();
    if (text.ok()) {
      LoadText(*text, file.path);
    } else {
      Refuse(file.path, text.status().message());
    }
  }

  void LoadText(std::string_view text, const std::string& file) {
    const auto name = std::make_shared<const std::string>(file);
    for (const YamlDocument& document : ParseYaml(text)) {
      if (document.problems.empty()) {
        LoadDocument(document.root, name);
        continue;
      }
      ProblemList problems(name);
      for (const YamlProblem& p : document.problems) problems.Add(p);
      const YamlNode* id = document.root.Find("id");
      RefuseDocument(&problems, id != nullptr ? id->text : "");
    }
  }

  RuleSet Finish() {
    for (ParsedFilter& filter : filters_) ApplyFilter(filter);
    for (size_t i = 0; i < set_.rules.size(); ++i) {
      set_.rules[i].content_hash = HashWithFilters(set_.rules[i].content_hash, std::move(filter_hashes_[i]));
    }
    ResolveCorrelations(std::move(correlations_), not_loaded_, &set_);
    return std::move(set_);
  }

 private:
  void Refuse(const std::string& path, std::string message) {
    set_.problems.push_back({{std::make_shared<const std::string>(path), 0, 0}, std::move(message), {}});
    ++set_.failed_rules;
  }

  void LoadDocument(const YamlNode& root, const std::shared_ptr<const std::string>& file) {
    if (root.IsNull() || (!root.IsScalar() && root.children.empty())) return;  // an empty document
    ProblemList problems(file);
    ProblemList warnings(file);
    if (!root.IsMap()) {
      problems.Add(root, "the document is no map, a rule begins with `title: ...`");
      RefuseDocument(&problems, "");
      return;
    }
    switch (ClassifyDocument(root)) {
      case DocumentKind::kRule:
        AddRule(parser_.ParseRule(root, &problems, &warnings), &problems, &warnings);
        return;
      case DocumentKind::kFilter:
        AddFilter(parser_.ParseFilter(root, &problems, &warnings), &problems, &warnings);
        return;
      case DocumentKind::kCorrelation:
        AddCorrelation(ParseCorrelation(root, &problems, &warnings), &problems, &warnings);
        return;
      case DocumentKind::kUnknown:
        ComplainOfUnknown(root, &problems);
        break;
    }
    const YamlNode* id = root.Find("id");
    RefuseDocument(&problems, id != nullptr ? id->text : "");
  }

  static void ComplainOfUnknown(const YamlNode& root, ProblemList* problems) {
    if (const YamlNode* action = root.Find("action")) {
      problems->Add(*action, "collections with `action` (Sigma 1) are not supported, write each rule out");
      return;
    }
    for (size_t i = 0; i < root.entries(); ++i) {
      const std::string_view nearest = NearestName(root.key(i).text, {"detection", "correlation", "filter"});
      if (nearest.empty()) continue;
      problems->Add(root.key(i), "`" + root.key(i).text + "` is no key of a rule, did you mean `" +
                                     std::string(nearest) + "`?");
      return;
    }
    problems->Add(root, "the document is no rule, it has neither `detection` nor `correlation` nor `filter`");
  }

  void RefuseDocument(ProblemList* problems, const std::string& id) {
    for (RuleProblem& p : problems->problems()) p.rule_id = id;
    std::move(problems->problems().begin(), problems->problems().end(), std::back_inserter(set_.problems));
    ++set_.failed_rules;
  }

  void AddWarnings(ProblemList* warnings, const std::string& id) {
    for (RuleProblem& w : warnings->problems()) w.rule_id = id;
    std::move(warnings->problems().begin(), warnings->problems().end(), std::back_inserter(set_.warnings));
  }

  // False when another document has the id already; then *problems says where.
  bool ClaimId(const std::string& id, const SourceLocation& where, ProblemList* problems) {
    const auto [entry, is_new] = ids_.try_emplace(id, where);
    if (is_new) return true;
    problems->Add(where, "the id `" + id + "` belongs already to " + Place(entry->second) +
                             ", give this one an id of its own");
    return false;
  }

  void AddRule(ParsedRule parsed, ProblemList* problems, ProblemList* warnings) {
    Rule& rule = parsed.rule;
    ClaimId(rule.id, rule.where, problems);
    AddWarnings(warnings, rule.id);
    if (!problems->empty()) {
      Remember(rule, NotLoaded::kRefused);
      RefuseDocument(problems, rule.id);
    } else if (!parsed.missing_placeholders.empty()) {
      Remember(rule, NotLoaded::kNeedsSiteVariables);
      set_.need_site_variables.push_back({rule.where,
                                          "needs values for " + PlaceholderList(parsed.missing_placeholders) +
                                              ", add them to the file of site variables",
                                          rule.id});
    } else {
      set_.rules.push_back(std::move(rule));
      filter_hashes_.emplace_back();
    }
  }

  void AddCorrelation(ParsedCorrelation parsed, ProblemList* problems, ProblemList* warnings) {
    const Correlation& correlation = parsed.correlation;
    ClaimId(correlation.id, correlation.where, problems);
    AddWarnings(warnings, correlation.id);
    if (problems->empty()) {
      correlations_.push_back(std::move(parsed));
    } else {
      Remember(correlation, NotLoaded::kRefused);
      RefuseDocument(problems, correlation.id);
    }
  }

  // So that a correlation over it is told why it is not there.
  void Remember(const RuleDescription& rule, NotLoaded why) {
    not_loaded_[rule.id] = why;
    if (!rule.name.empty()) not_loaded_[rule.name] = why;
  }

  void AddFilter(ParsedFilter parsed, ProblemList* problems, ProblemList* warnings) {
    const std::string id = parsed.filter.id;
    if (!id.empty()) ClaimId(id, parsed.where, problems);
    if (problems->empty() && !parsed.missing_placeholders.empty()) {
      warnings->Add(parsed.where, "this filter is not applied, it needs values for " +
                                      PlaceholderList(parsed.missing_placeholders) +
                                      "; add them to the file of site variables");
    } else if (problems->empty()) {
      filters_.push_back(std::move(parsed));
    } else {
      RefuseDocument(problems, id);
    }
    AddWarnings(warnings, id);
  }

  void ApplyFilter(const ParsedFilter& filter) {
    bool applied = false;
    for (size_t i = 0; i < set_.rules.size(); ++i) {
      if (!filter.AppliesTo(set_.rules[i])) continue;
      set_.rules[i].filters.push_back(filter.filter);
      filter_hashes_[i].push_back(filter.content_hash);
      applied = true;
    }
    if (applied) return;
    set_.warnings.push_back({filter.where,
                             "this filter applies to no loaded rule, check its `logsource` and `rules`",
                             filter.filter.id});
  }

  RuleParser parser_;
  RuleSet set_;
  std::vector<ParsedFilter> filters_;
  std::vector<ParsedCorrelation> correlations_;
  std::unordered_map<std::string, NotLoaded> not_loaded_;
  std::vector<std::vector<std::string>> filter_hashes_;  // of each rule
  std::unordered_map<std::string, SourceLocation> ids_;
};

}  // namespace

RuleProblem::RuleProblem(SourceLocation place, std::string_view text, std::string rule)
    : where(std::move(place)), message(Visible(text)), rule_id(std::move(rule)) {}

std::string RuleProblem::Render() const { return Place(where) + ": " + message; }

RuleSet LoadRules(const std::vector<std::string>& paths, const RuleLoadOptions& options) {
  RuleLoader loader(options);
  for (const FoundRuleFile& file : FindRuleFiles(paths)) loader.LoadFile(file);
  return loader.Finish();
}

RuleSet LoadRules(const RuleBundle& bundle) {
  const RuleLoadOptions options{bundle.variables};
  RuleLoader loader(options);
  for (const RuleBundle::File& file : bundle.rules) loader.LoadText(file.text, file.name);
  return loader.Finish();
}

RuleSet LoadRulesFromText(std::string_view yaml, const std::string& file, const RuleLoadOptions& options) {
  RuleLoader loader(options);
  loader.LoadText(yaml, file);
  return loader.Finish();
}

Result<SiteVariables> LoadSiteVariables(const std::string& path) {
  ProblemList problems(std::make_shared<const std::string>(path));
  Result<YamlNode> root = ReadYamlMap(path, &problems);
  if (!root.ok()) return root.status();
  SiteVariables variables;
  for (size_t i = 0; i < root->entries(); ++i) {
    const std::string& name = root->key(i).text;
    variables[name] = ReadTextList(root->value(i), "the value of `" + name + "`", &problems);
  }
  if (!problems.empty()) return problems.ToStatus();
  return variables;
}

}  // namespace redthread
