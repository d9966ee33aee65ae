#include "rules/entity_map.h"

#include <memory>
#include <string_view>
#include <utility>

#include "core/text.h"
#include "rules/problem_list.h"
#include "rules/read_file.h"
#include "rules/yaml.h"

namespace redthread {
namespace {

class EntityMapReader {
 public:
  explicit EntityMapReader(ProblemList* problems) : problems_(problems) {}

  EntityMap Read(const YamlNode& root) {
    problems_->RequireKnownKeys(root, "an entity map", {"version", "sources"});
    const YamlNode* version = root.Find("version");
    if (version == nullptr || version->text != "1") {
      problems_->Add(version != nullptr ? *version : root, "the map must say `version: 1`");
    }
    EntityMap map;
    const YamlNode* sources = root.Find("sources");
    if (sources == nullptr || !sources->IsSequence() || sources->children.empty()) {
      problems_->Add(sources != nullptr ? *sources : root, "`sources` must be a list of log sources");
      return map;
    }
    for (const YamlNode& source : sources->children) ReadSource(source, &map.sources.emplace_back());
    CheckOrder(sources->children, map);
    return map;
  }

 private:
  void ReadSource(const YamlNode& node, EntityMap::Source* source) {
    if (!node.IsMap()) {
      problems_->Add(node, "a source must be a map");
      return;
    }
    problems_->RequireKnownKeys(node, "a source", {"logsource", "host", "user", "address"});
    const YamlNode* log_source = node.Find("logsource");
    if (log_source == nullptr || !log_source->IsMap()) {
      problems_->Add(node, "the source needs `logsource`, `{}` for any");
    } else {
      problems_->RequireKnownKeys(*log_source, "`logsource`", {"product", "category", "service"});
      source->log_source.product = Key(*log_source, "product");
      source->log_source.category = Key(*log_source, "category");
      source->log_source.service = Key(*log_source, "service");
    }
    ReadKind(node, "host", EntityKind::kHost, source);
    ReadKind(node, "user", EntityKind::kUser, source);
    ReadKind(node, "address", EntityKind::kAddress, source);
  }

  std::string Key(const YamlNode& log_source, std::string_view key) {
    const YamlNode* node = log_source.Find(key);
    return node == nullptr ? std::string() : Fold(ReadText(*node, "`" + std::string(key) + "`", problems_));
  }

  void ReadKind(const YamlNode& node, std::string_view key, EntityKind kind, EntityMap::Source* source) {
    const YamlNode* roles = node.Find(key);
    if (roles == nullptr) return;
    if (!roles->IsMap()) {
      problems_->Add(*roles, "`" + std::string(key) + "` must be a map with actor, target or observer");
      return;
    }
    problems_->RequireKnownKeys(*roles, "`" + std::string(key) + "`", {"actor", "target", "observer"});
    ReadRole(*roles, "actor", kind, EntityRole::kActor, source);
    ReadRole(*roles, "target", kind, EntityRole::kTarget, source);
    ReadRole(*roles, "observer", kind, EntityRole::kObserver, source);
  }

  void ReadRole(const YamlNode& roles, std::string_view key, EntityKind kind, EntityRole role,
                EntityMap::Source* source) {
    const YamlNode* fields = roles.Find(key);
    if (fields == nullptr) return;
    if (!fields->IsSequence()) {
      problems_->Add(*fields, "`" + std::string(key) + "` must be a list of fields");
      return;
    }
    for (const YamlNode& field : fields->children) ReadField(field, kind, role, source);
  }

  // A field's name, or {field: name, domain: name}.
  void ReadField(const YamlNode& node, EntityKind kind, EntityRole role, EntityMap::Source* source) {
    EntityField field{kind, role, {}, {}};
    if (node.IsMap()) {
      problems_->RequireKnownKeys(node, "a field", {"field", "domain"});
      if (const YamlNode* name = node.Find("field")) field.field = ReadText(*name, "`field`", problems_);
      if (const YamlNode* domain = node.Find("domain")) {
        field.domain = ReadText(*domain, "`domain`", problems_);
        if (kind != EntityKind::kUser) problems_->Add(*domain, "only users have a `domain`, remove it");
      }
    } else {
      field.field = ReadText(node, "a field's name", problems_);
    }
    if (field.field.empty()) problems_->Add(node, "the name of a field is missing");
    source->fields.push_back(std::move(field));
  }

  // The first source that fits decides, so one for any event must come last, and there must be one.
  void CheckOrder(const std::vector<YamlNode>& nodes, const EntityMap& map) {
    for (size_t i = 0; i + 1 < map.sources.size(); ++i) {
      if (nodes[i].IsMap() && map.sources[i].log_source.empty()) {
        problems_->Add(nodes[i], "a source for any event hides those behind it, move it to the end");
      }
    }
    if (!map.sources.back().log_source.empty()) {
      problems_->Add(nodes.back(), "the last source must fit any event, add one with `logsource: {}`");
    }
  }

  ProblemList* problems_;
};

}  // namespace

Result<EntityMap> LoadEntityMap(const std::string& path) {
  const Result<std::string> text = ReadFile(path);
  if (!text.ok()) return text.status();
  return LoadEntityMapFromText(*text, path);
}

Result<EntityMap> LoadEntityMapFromText(std::string_view yaml, const std::string& file) {
  ProblemList problems(std::make_shared<const std::string>(file));
  const Result<YamlNode> root = ParseYamlMap(yaml, &problems);
  if (!root.ok()) return root.status();
  EntityMap map = EntityMapReader(&problems).Read(*root);
  if (!problems.empty()) return problems.ToStatus();
  return map;
}

}  // namespace redthread
