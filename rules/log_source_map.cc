// Reads rules/logsources.yml into a LogSourceMap. The form of the file is told in its own head.
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/text.h"
#include "rules/nearest_name.h"
#include "rules/problem_list.h"
#include "rules/read_file.h"
#include "rules/rule_set.h"
#include "rules/yaml.h"

namespace redthread {
namespace {

class LogSourceMapReader {
 public:
  LogSourceMapReader(const std::vector<std::string>& profiles, ProblemList* problems)
      : profiles_(profiles), problems_(problems) {}

  LogSourceMap Read(const YamlNode& root) {
    problems_->RequireKnownKeys(root, "a log source map", {"version", "windows", "other"});
    const YamlNode* version = root.Find("version");
    if (version == nullptr || version->text != "1") {
      problems_->Add(version != nullptr ? *version : root, "the map must say `version: 1`");
    }
    ForEachMap(root, "windows", [&](const YamlNode& entry) { ReadService(entry); });
    ForEachMap(root, "other", [&](const YamlNode& entry) { ReadOther(entry); });
    return std::move(map_);
  }

 private:
  // Calls read(map) for each map of the list under `key`.
  template <typename Read>
  void ForEachMap(const YamlNode& parent, std::string_view key, Read&& read) {
    const YamlNode* list = parent.Find(key);
    if (list == nullptr) return;
    if (!list->IsSequence()) problems_->Add(*list, "`" + std::string(key) + "` must be a list of maps");
    for (const YamlNode& entry : list->children) {
      if (entry.IsMap()) {
        read(entry);
      } else {
        problems_->Add(entry, "an entry of `" + std::string(key) + "` must be a map");
      }
    }
  }

  std::string Text(const YamlNode& map, std::string_view key, bool required = false) {
    const YamlNode* node = map.Find(key);
    std::string text =
        node == nullptr ? std::string() : ReadText(*node, "`" + std::string(key) + "`", problems_);
    if (required && text.empty()) problems_->Add(map, "the entry needs `" + std::string(key) + "`");
    return text;
  }

  std::vector<std::string> TextList(const YamlNode& map, std::string_view key) {
    const YamlNode* node = map.Find(key);
    if (node == nullptr) return {};
    return ReadTextList(*node, "`" + std::string(key) + "`", problems_);
  }

  const YamlNode* Map(const YamlNode& parent, std::string_view key) {
    const YamlNode* map = parent.Find(key);
    if (map == nullptr || map->IsMap()) return map;
    problems_->Add(*map, "`" + std::string(key) + "` must be a map");
    return nullptr;
  }

  // The profile of an entry, "core" where it has none.
  std::string Profile(const YamlNode& entry) {
    std::string profile = Text(entry, "profile");
    if (profile.empty()) profile = "core";
    if (profile != "core" && profile != "extended") {
      problems_->Add(*entry.Find("profile"),
                     "`" + profile + "` is no profile" +
                         Suggestion(profile, {"core", "extended"}, ", write core or extended"));
    }
    return profile;
  }
  bool Wanted(const std::string& profile) const {
    return std::find(profiles_.begin(), profiles_.end(), profile) != profiles_.end();
  }

  std::vector<FieldCondition> Conditions(const YamlNode& entry, std::string_view key) {
    std::vector<FieldCondition> conditions;
    const YamlNode* map = Map(entry, key);
    for (size_t i = 0; map != nullptr && i < map->entries(); ++i) {
      FieldCondition& condition = conditions.emplace_back();
      condition.field = map->key(i).text;
      condition.values = ReadTextList(map->value(i), "the values of `" + condition.field + "`", problems_);
      if (condition.values.empty()) problems_->Add(map->value(i), "no values, write one or `'*'`");
    }
    return conditions;
  }

  FieldRenames Renames(const YamlNode& entry) {
    FieldRenames renames;
    const YamlNode* map = Map(entry, "rename");
    for (size_t i = 0; map != nullptr && i < map->entries(); ++i) {
      renames.emplace_back(map->key(i).text, ReadText(map->value(i), "a field's name", problems_));
    }
    return renames;
  }

  void ReadService(const YamlNode& entry) {
    problems_->RequireKnownKeys(entry, "a Windows service", {"service", "channels", "categories"});
    const std::string service = Fold(Text(entry, "service", true));
    std::vector<std::string> channels = TextList(entry, "channels");
    if (channels.empty()) problems_->Add(entry, "a Windows service needs `channels`");
    map_.services.push_back({service, std::move(channels)});
    ForEachMap(entry, "categories", [&](const YamlNode& c) { ReadCategory(service, c); });
  }

  void ReadCategory(const std::string& service, const YamlNode& entry) {
    problems_->RequireKnownKeys(entry, "a category", {"category", "name", "profile", "when", "rename"});
    LogSourceMap::Category category;
    category.category = Fold(Text(entry, "category", true));
    category.name = Text(entry, "name", true);
    category.service = service;
    category.profile = Profile(entry);
    category.when = Conditions(entry, "when");
    if (category.when.empty())
      problems_->Add(entry, "a category needs `when`, or every event would be of it");
    category.renames = Renames(entry);
    if (Wanted(category.profile)) map_.categories.push_back(std::move(category));
  }

  void ReadOther(const YamlNode& entry) {
    problems_->RequireKnownKeys(
        entry, "a log source",
        {"name", "profile", "fields", "any_field_of", "service_from", "logsource", "rename"});
    LogSourceMap::Other other;
    other.name = Text(entry, "name", true);
    other.profile = Profile(entry);
    other.all_of = Conditions(entry, "fields");
    other.any_field_of = TextList(entry, "any_field_of");
    other.service_from = TextList(entry, "service_from");
    if (other.all_of.empty() && other.any_field_of.empty()) {
      problems_->Add(entry, "the log source needs `fields` or `any_field_of`, or every event would be of it");
    }
    if (const YamlNode* log_source = Map(entry, "logsource")) {
      problems_->RequireKnownKeys(*log_source, "`logsource`", {"product", "category", "service"});
      other.log_source.product = Fold(Text(*log_source, "product"));
      other.log_source.category = Fold(Text(*log_source, "category"));
      other.log_source.service = Fold(Text(*log_source, "service"));
    }
    if (other.log_source.empty()) problems_->Add(entry, "the entry needs `logsource`");
    other.renames = Renames(entry);
    if (Wanted(other.profile)) map_.others.push_back(std::move(other));
  }

  const std::vector<std::string>& profiles_;
  ProblemList* problems_;
  LogSourceMap map_;
};

}  // namespace

Result<LogSourceMap> LoadLogSourceMap(const std::string& path, const std::vector<std::string>& profiles) {
  const Result<std::string> text = ReadFile(path);
  if (!text.ok()) return text.status();
  return LoadLogSourceMapFromText(*text, path, profiles);
}

Result<LogSourceMap> LoadLogSourceMapFromText(std::string_view yaml, const std::string& file,
                                              const std::vector<std::string>& profiles) {
  ProblemList problems(std::make_shared<const std::string>(file));
  const Result<YamlNode> root = ParseYamlMap(yaml, &problems);
  if (!root.ok()) return root.status();
  LogSourceMap map = LogSourceMapReader(profiles, &problems).Read(*root);
  if (!problems.empty()) return problems.ToStatus();
  return map;
}

}  // namespace redthread
