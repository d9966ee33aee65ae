#include "rules/rule_set.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "core/text.h"
#include "rules/content_hash.h"
#include "rules/correlation_parser.h"
#include "rules/correlation_resolver.h"
#include "rules/nearest_name.h"
#include "rules/problem_list.h"
#include "rules/processing_pipeline.h"
#include "rules/rule_bundle.h"
#include "rules/rule_files.h"
#include "rules/rule_parser.h"
#include "rules/rule_processing.h"
#include "rules/yaml.h"

namespace redthread {
namespace {

std::string Place(const SourceLocation& where) {
  std::string place = Visible(where.file != nullptr ? *where.file : "");
  if (where.line > 0) place += ":" + std::to_string(where.line) + ":" + std::to_string(where.column);
  return place;
}

// Those of other files, which only processing pipelines bring in, at the end.
void SortByPlace(ProblemList* problems) {
  const auto place = [&](const RuleProblem& p) {
    return std::make_tuple(p.where.file != problems->file(), p.where.line, p.where.column);
  };
  std::stable_sort(problems->problems().begin(), problems->problems().end(),
                   [&](const RuleProblem& a, const RuleProblem& b) { return place(a) < place(b); });
}

std::string PlaceholderList(const std::vector<std::string>& names) {
  std::vector<std::string> marked;
  for (const std::string& name : names) marked.push_back("%" + name + "%");
  return JoinNames({marked.begin(), marked.end()});
}

// Collects documents from files; what spans files (duplicate ids, filters, what rules become) is settled in
// Finish.
class RuleLoader {
 public:
  explicit RuleLoader(const RuleLoadOptions& options)
      : pipelines_(options.pipelines.get()), lowering_(options.variables) {
    if (pipelines_ == nullptr) return;
    for (const RuleProblem& notice : pipelines_->notices) warnings_.emplace_back(document_, notice);
  }

  void LoadFile(const FoundRuleFile& file) {
    const Result<std::string> text = file.Read();
    if (text.ok()) {
      LoadText(*text, file.path);
    } else {
      ++document_;
      Refuse(file.path, text.status().message());
    }
  }

  void LoadText(std::string_view text, const std::string& file) {
    const auto name = std::make_shared<const std::string>(file);
    for (const YamlDocument& document : ParseYaml(text)) {
      ++document_;
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
    for (RuleDraft& draft : rules_) FinishRule(&draft);
    std::vector<ParsedCorrelation> correlations;
    for (CorrelationDraft& draft : correlations_) {
      if (Process(&draft)) correlations.push_back(std::move(draft.parsed));
    }
    Publish(std::move(problems_), &set_.problems);
    Publish(std::move(warnings_), &set_.warnings);
    for (const FilterDraft& filter : filters_) {
      if (!filter.applied) WarnOfUnused(filter.parsed);
    }
    ResolveCorrelations(std::move(correlations), not_loaded_, &set_);
    return std::move(set_);
  }

 private:
  // What is said of a document, and the document's number: complaints are told in the order of the files,
  // whenever they are found.
  using Said = std::vector<std::pair<size_t, RuleProblem>>;

  struct RuleDraft {
    ParsedRule parsed;
    std::vector<RuleAttribute> attributes;  // where there are pipelines
    ProblemList problems, warnings;
    size_t document = 0;
  };
  struct FilterDraft {
    ParsedFilter parsed;
    // Without pipelines it is the same for every rule, and lowered. Else each rule has its own.
    std::shared_ptr<const RuleLogic> logic;
    std::string content_hash;
    bool applied = false;  // to some rule that is loaded
  };
  struct CorrelationDraft {
    ParsedCorrelation parsed;
    std::vector<RuleAttribute> attributes;  // where there are pipelines
    std::shared_ptr<const std::string> file;
    size_t document = 0;
  };

  void Refuse(const std::string& path, std::string message) {
    problems_.push_back(
        {document_, {{std::make_shared<const std::string>(path), 0, 0}, std::move(message), {}}});
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
    std::vector<RuleAttribute> attributes;
    if (pipelines_ != nullptr) attributes = ReadRuleAttributes(root);
    switch (ClassifyDocument(root)) {
      case DocumentKind::kRule: {
        ParsedRule parsed = ParseRule(root, &problems, &warnings);
        ClaimId(parsed.rule.id, parsed.rule.where, &problems);
        rules_.push_back(
            {std::move(parsed), std::move(attributes), std::move(problems), std::move(warnings), document_});
        return;
      }
      case DocumentKind::kFilter:
        AddFilter(ParseFilter(root, &problems, &warnings), &problems, &warnings);
        return;
      case DocumentKind::kCorrelation:
        AddCorrelation({ParseCorrelation(root, &problems, &warnings), std::move(attributes), file, document_},
                       &problems, &warnings);
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

  void Say(ProblemList* list, const std::string& id, Said* said) {
    for (RuleProblem& p : list->problems()) {
      p.rule_id = id;
      said->emplace_back(document_, std::move(p));
    }
  }

  void RefuseDocument(ProblemList* problems, const std::string& id) {
    Say(problems, id, &problems_);
    ++set_.failed_rules;
  }

  static void Publish(Said said, std::vector<RuleProblem>* out) {
    std::stable_sort(said.begin(), said.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& [document, problem] : said) out->push_back(std::move(problem));
  }

  // False when another document has the id already; then *problems says where.
  bool ClaimId(const std::string& id, const SourceLocation& where, ProblemList* problems) {
    const auto [entry, is_new] = ids_.try_emplace(id, where);
    if (is_new) return true;
    problems->Add(where, "the id `" + id + "` belongs already to " + Place(entry->second) +
                             ", give this one an id of its own");
    return false;
  }

  void FinishRule(RuleDraft* draft) {
    document_ = draft->document;
    Rule& rule = draft->parsed.rule;
    ProblemList& problems = draft->problems;
    Say(&draft->warnings, rule.id, &warnings_);
    std::vector<FilterDraft*> filters;
    for (FilterDraft& filter : filters_) {
      if (filter.parsed.AppliesTo(rule)) filters.push_back(&filter);
    }
    std::vector<RuleLogic> processed;  // of the filters, where there are pipelines
    std::string left_out;
    if (pipelines_ != nullptr && problems.empty()) left_out = Process(draft, filters, &processed);
    if (!left_out.empty()) {
      Remember(rule, NotLoaded::kLeftOut);
      set_.left_out.push_back({rule.where, "left out by a processing pipeline: " + left_out, rule.id});
      return;
    }
    const LogicLowering::Lowered lowered =
        lowering_.Lower(rule.log_source, draft->parsed.conditions, &rule.logic, &problems);
    if (!problems.empty()) {
      Remember(rule, NotLoaded::kRefused);
      SortByPlace(&problems);
      RefuseDocument(&problems, rule.id);
    } else if (!lowered.missing_placeholders.empty()) {
      Remember(rule, NotLoaded::kNeedsSiteVariables);
      set_.need_site_variables.push_back({rule.where,
                                          "needs values for " +
                                              PlaceholderList(lowered.missing_placeholders) +
                                              ", add them to the file of site variables",
                                          rule.id});
    } else {
      rule.content_hash = HashWithFilters(lowered.content_hash, AddFilters(filters, &processed, &rule));
      set_.rules.push_back(std::move(rule));
    }
  }

  // Runs the pipelines over a rule and its filters. Returns why they leave it out; else empty.
  std::string Process(RuleDraft* draft, const std::vector<FilterDraft*>& filters,
                      std::vector<RuleLogic>* processed) {
    for (const FilterDraft* filter : filters) processed->push_back(filter->parsed.logic);
    RuleInProcess rule;
    rule.attributes = std::move(draft->attributes);
    rule.log_source = &draft->parsed.rule.log_source;
    rule.logic = &draft->parsed.rule.logic;
    rule.conditions = &draft->parsed.conditions;
    for (RuleLogic& logic : *processed) rule.filters.push_back(&logic);
    return ProcessRule(*pipelines_, &rule, &draft->problems);
  }

  // Gives the rule its filters; returns their hashes.
  std::vector<std::string> AddFilters(const std::vector<FilterDraft*>& filters,
                                      std::vector<RuleLogic>* processed, Rule* rule) {
    std::vector<std::string> hashes;
    for (size_t i = 0; i < filters.size(); ++i) {
      FilterDraft& filter = *filters[i];
      RuleFilter added = filter.parsed.filter;
      added.logic = filter.logic;
      std::string hash = filter.content_hash;
      if (pipelines_ != nullptr) {
        added.logic = LowerFilter(filter.parsed, std::move((*processed)[i]), *rule, &hash);
        if (added.logic == nullptr) continue;
      }
      filter.applied = true;
      rule->filters.push_back(std::move(added));
      hashes.push_back(std::move(hash));
    }
    return hashes;
  }

  // What is left of a filter of this rule, lowered. Null, and told, when it cannot be applied.
  std::shared_ptr<const RuleLogic> LowerFilter(const ParsedFilter& filter, RuleLogic logic, const Rule& rule,
                                               std::string* hash) {
    ProblemList problems(filter.where.file);
    LogicLowering::Lowered lowered;
    const std::string of = "this filter is not applied to `" + rule.title + "`: ";
    if (logic.searches.empty()) {
      problems.Add(filter.where, of + "a processing pipeline drops all that it asks for");
    } else {
      lowered = lowering_.Lower(filter.log_source, filter.conditions, &logic, &problems);
      if (!lowered.missing_placeholders.empty())
        problems.Add(filter.where,
                     of + "it needs values for " + PlaceholderList(lowered.missing_placeholders));
    }
    *hash = lowered.content_hash;
    if (problems.empty()) return std::make_shared<const RuleLogic>(std::move(logic));
    Say(&problems, filter.filter.id, &warnings_);
    return nullptr;
  }

  void AddCorrelation(CorrelationDraft draft, ProblemList* problems, ProblemList* warnings) {
    const Correlation& correlation = draft.parsed.correlation;
    ClaimId(correlation.id, correlation.where, problems);
    Say(warnings, correlation.id, &warnings_);
    if (problems->empty()) {
      correlations_.push_back(std::move(draft));
    } else {
      Remember(correlation, NotLoaded::kRefused);
      RefuseDocument(problems, correlation.id);
    }
  }

  // Runs the pipelines over a correlation. False when it cannot be used.
  bool Process(CorrelationDraft* draft) {
    if (pipelines_ == nullptr) return true;
    document_ = draft->document;
    const Correlation& correlation = draft->parsed.correlation;
    ProblemList problems(draft->file);
    CorrelationInProcess in_process;
    in_process.attributes = std::move(draft->attributes);
    in_process.parsed = &draft->parsed;
    std::vector<const Correlation*> seen;
    AddLogSources(correlation, &seen, &in_process.log_sources);
    const std::string left_out = ProcessCorrelation(*pipelines_, &in_process, &problems);
    if (!problems.empty()) {
      Remember(correlation, NotLoaded::kRefused);
      RefuseDocument(&problems, correlation.id);
    } else if (!left_out.empty()) {
      Remember(correlation, NotLoaded::kLeftOut);
      set_.left_out.push_back(
          {correlation.where, "left out by a processing pipeline: " + left_out, correlation.id});
    }
    return problems.empty() && left_out.empty();
  }

  // The log sources of the loaded rules below a correlation. `seen`: correlations above, and it.
  void AddLogSources(const Correlation& correlation, std::vector<const Correlation*>* seen,
                     std::vector<LogSource>* sources) {
    if (std::find(seen->begin(), seen->end(), &correlation) != seen->end()) return;
    seen->push_back(&correlation);
    for (const CorrelationReference& reference : correlation.rules) {
      const auto is_meant = [&reference](const RuleDescription& rule) {
        return rule.id == reference.written || (!rule.name.empty() && rule.name == reference.written);
      };
      for (const Rule& rule : set_.rules) {
        if (is_meant(rule)) sources->push_back(rule.log_source);
      }
      for (const CorrelationDraft& lower : correlations_) {
        if (is_meant(lower.parsed.correlation)) AddLogSources(lower.parsed.correlation, seen, sources);
      }
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
    RuleLogic logic = parsed.logic;
    LogicLowering::Lowered lowered = lowering_.Lower(parsed.log_source, parsed.conditions, &logic, problems);
    // With pipelines, whether values are missing shows when they have run.
    const bool lacks_values = pipelines_ == nullptr && !lowered.missing_placeholders.empty();
    if (problems->empty() && lacks_values) {
      warnings->Add(parsed.where, "this filter is not applied, it needs values for " +
                                      PlaceholderList(lowered.missing_placeholders) +
                                      "; add them to the file of site variables");
    } else if (problems->empty()) {
      filters_.push_back({std::move(parsed), std::make_shared<const RuleLogic>(std::move(logic)),
                          std::move(lowered.content_hash), false});
    } else {
      RefuseDocument(problems, id);
    }
    Say(warnings, id, &warnings_);
  }

  void WarnOfUnused(const ParsedFilter& filter) {
    set_.warnings.push_back({filter.where,
                             "this filter applies to no loaded rule, check its `logsource` and `rules`",
                             filter.filter.id});
  }

  const ProcessingPipelines* pipelines_;  // null: none
  LogicLowering lowering_;
  RuleSet set_;
  size_t document_ = 0;  // the one at hand
  Said problems_, warnings_;
  std::vector<RuleDraft> rules_;
  std::vector<FilterDraft> filters_;
  std::vector<CorrelationDraft> correlations_;
  std::unordered_map<std::string, NotLoaded> not_loaded_;
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
  RuleLoadOptions options{bundle.variables, {}};
  Result<std::shared_ptr<const ProcessingPipelines>> pipelines = ParsePipelines(bundle.pipelines);
  if (!pipelines.ok()) {  // whoever made the bundle would have been told, unless it was another version
    RuleSet set;
    set.problems.push_back({{}, pipelines.status().message(), {}});
    set.failed_rules = 1;
    return set;
  }
  if (!bundle.pipelines.empty()) options.pipelines = std::move(*pipelines);
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
