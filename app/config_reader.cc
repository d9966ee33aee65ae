#include "app/config_reader.h"

#include <cctype>
#include <filesystem>
#include <utility>

#include "app/config_value.h"
#include "ingest/kafka_settings.h"
#include "rules/nearest_name.h"
#include "rules/yaml_scalar.h"

namespace redthread {
namespace {

std::string FolderOf(const std::string& file) { return std::filesystem::path(file).parent_path().string(); }

// Whether the scalar is to every other reader of YAML what it is here: an unquoted 007, `on` or 1:30 is no
// text.
bool HasRightKind(const YamlNode& scalar, SettingType type) {
  RawValue::Kind wanted = RawValue::Kind::kString;
  if (type == SettingType::kVersion || type == SettingType::kCount) wanted = RawValue::Kind::kNumber;
  if (type == SettingType::kFlag) wanted = RawValue::Kind::kBool;
  // What a variable completes is text until then.
  const RawValue::Kind kind = ResolveScalar(scalar).kind;
  return kind == wanted || (kind == RawValue::Kind::kString && scalar.text.find("${") != std::string::npos);
}

// The name of a source or sink: part of setting paths, metrics and file names.
bool ValidName(std::string_view name) {
  for (char c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_' && c != '-') return false;
  }
  return !name.empty() && name.size() <= 64;
}

const SectionSpec* FindBelow(std::string_view section, std::string_view name) {
  for (const SectionSpec* s : SectionsBelow(section)) {
    if (SectionName(*s) == name) return s;
  }
  return nullptr;
}

const SettingSpec* FindSettingSpec(std::string_view section, std::string_view name) {
  for (const SettingSpec* s : SettingsOf(section)) {
    if (name == s->name) return s;
  }
  return nullptr;
}

}  // namespace

Result<std::string> ResolveValue(const SettingSpec& spec, const std::string& written,
                                 const std::string& folder) {
  Result<std::string> expanded = ExpandVariables(written);
  if (!expanded.ok()) return expanded;
  const std::string problem = ValueProblem(spec, *expanded);
  if (!problem.empty()) {
    // What a variable holds may be a secret: it is not repeated.
    const bool hidden = *expanded != written;
    return Status::Invalid(hidden ? "the value of `" + written + "` is not valid here" : problem);
  }
  if (spec.type == SettingType::kSecret) return ReadSecret(*expanded);
  if (spec.type == SettingType::kPath && !folder.empty() && expanded->front() != '/') {
    return folder + "/" + *expanded;
  }
  return expanded;
}

void ConfigReader::Read(std::string_view yaml) {
  const std::vector<YamlDocument> documents = ParseYaml(yaml);
  bool broken = false;
  for (const YamlDocument& d : documents) {
    for (const YamlProblem& p : d.problems) {
      problems_->push_back({file_, p.line, p.column, p.message});
      broken = true;
    }
  }
  if (broken) return;
  if (documents.empty() || documents[0].root.IsNull()) {
    problems_->push_back({file_, 1, 1, "the file is empty, begin it with `version: 1`"});
    return;
  }
  if (documents.size() > 1) Problem(documents[1].root, "a second document, put everything into one");
  const YamlNode& root = documents[0].root;
  if (!root.IsMap()) {
    Problem(root, "expected `key: value` lines, begin with `version: 1`");
    return;
  }
  ReadSection(root, "", "");
}

void ConfigReader::ReadSection(const YamlNode& map, std::string_view section, const std::string& path) {
  const std::string prefix = path.empty() ? "" : path + ".";
  for (size_t i = 0; i < map.entries(); ++i) {
    const YamlNode& key = map.key(i);
    if (const SettingSpec* spec = FindSettingSpec(section, key.text)) {
      ReadSetting(key, map.value(i), *spec, prefix + key.text);
    } else if (const SectionSpec* below = FindBelow(section, key.text)) {
      ReadSubsection(key, map.value(i), *below, prefix + key.text);
    } else {
      UnknownKey(key, section);
    }
  }
  for (const SettingSpec* spec : SettingsOf(section)) {
    if (!spec->required || map.Find(spec->name) != nullptr) continue;
    const std::string example = spec->type == SettingType::kVersion ? "1" : "...";
    Problem(map, "`" + std::string(spec->name) + "` is missing (" + spec->description + "), add `" +
                     spec->name + ": " + example + "`");
  }
}

void ConfigReader::ReadSubsection(const YamlNode& key, const YamlNode& value, const SectionSpec& section,
                                  const std::string& path) {
  if (!CheckAvailable(key, section.availability, "`" + path + "`")) return;
  if (value.IsNull()) return;  // a heading whose lines are all commented out
  if (!value.IsMap()) {
    Problem(value, "`" + path + "` needs `key: value` lines below it");
  } else if (HasNamedEntries(section.path)) {
    ReadNamedEntries(value, section.path);
  } else {
    ReadSection(value, section.path, path);
  }
}

void ConfigReader::ReadNamedEntries(const YamlNode& map, std::string_view section) {
  for (size_t i = 0; i < map.entries(); ++i) {
    if (!ValidName(map.key(i).text)) {
      Problem(map.key(i), "a name has letters, digits, `-` and `_` only, at most 64");
    } else if (map.value(i).IsMap()) {
      ReadEntry(map.key(i), map.value(i), section);
    } else {
      Problem(map.key(i), "`" + map.key(i).text + "` needs `key: value` lines below it, `type: ...` first");
    }
  }
}

void ConfigReader::ReadEntry(const YamlNode& key, const YamlNode& map, std::string_view section) {
  std::vector<std::string> types;
  for (const SectionSpec* s : SectionsBelow(section)) types.push_back(SectionName(*s));
  const std::vector<std::string_view> known(types.begin(), types.end());
  const YamlNode* type = map.Find("type");
  if (type == nullptr || !type->IsScalar()) {
    Problem(key, "`" + key.text + "` has no `type`, add one of " + JoinNames(known));
    return;
  }
  const SectionSpec* spec = FindBelow(section, type->text);
  if (spec == nullptr) {
    Problem(*type,
            "`" + type->text + "` is not one of " + JoinNames(known) + Suggestion(type->text, known, ""));
    return;
  }
  const std::string path = std::string(section) + "." + key.text;
  if (!CheckAvailable(*type, spec->availability, "`" + path + "` of type " + type->text)) return;
  YamlNode rest = map;  // without its type, which is no setting
  rest.children.clear();
  for (size_t i = 0; i < map.entries(); ++i) {
    if (map.key(i).text == "type") continue;
    rest.children.push_back(map.key(i));
    rest.children.push_back(map.value(i));
  }
  ReadSection(rest, spec->path, path);
  AddDefault(key, *spec, path);
}

// An entry is known by its settings. Where none was written, as none has to be, its first default stands for
// it.
void ConfigReader::AddDefault(const YamlNode& key, const SectionSpec& section, const std::string& path) {
  for (const Setting& s : *settings_) {
    if (std::string_view(s.spec->section) == section.path && s.path.starts_with(path + ".")) return;
  }
  const std::vector<const SettingSpec*> specs = SettingsOf(section.path);
  if (specs.empty() || specs[0]->required || *specs[0]->standard == '\0') return;
  Setting setting = StandardSetting(*specs[0], path + "." + specs[0]->name);
  setting.place = PlacedProblem{file_, key.line, key.column, ""}.Place();
  settings_->push_back(std::move(setting));
}

void ConfigReader::ReadSetting(const YamlNode& key, const YamlNode& value, const SettingSpec& spec,
                               const std::string& path) {
  if (!CheckAvailable(key, spec.availability, "`" + path + "`")) return;
  if (MayBeEmpty(spec) && value.IsSequence() && value.children.empty()) return;
  Setting setting;
  setting.path = path;
  setting.spec = &spec;
  setting.origin = Origin::kFile;
  setting.place = PlacedProblem{file_, value.line, value.column, ""}.Place();
  const size_t problems_before = problems_->size();
  if (spec.type == SettingType::kProperties) {
    ReadProperties(value, &setting);
  } else if (spec.type == SettingType::kSecrets) {
    ReadSecrets(value, &setting);
  } else if (value.IsScalar()) {
    ReadValue(value, &setting);
  } else if (!spec.list) {
    Problem(value, "`" + path + "` takes one value, no " + (value.IsMap() ? "map" : "list"));
  } else if (value.IsMap() || value.children.empty()) {
    Problem(value, "`" + path + "` takes a value or a list of values");
  } else {
    for (const YamlNode& item : value.children) ReadValue(item, &setting);
  }
  if (problems_->size() == problems_before) settings_->push_back(std::move(setting));
}

void ConfigReader::ReadValue(const YamlNode& scalar, Setting* setting) {
  if (!scalar.IsScalar()) {
    Problem(scalar, "`" + setting->path + "` takes plain values, no lists or maps within the list");
    return;
  }
  if (scalar.IsNull()) {
    Problem(scalar, "`" + setting->path + "` needs a value, or to be left out");
    return;
  }
  if (!HasRightKind(scalar, setting->spec->type)) {
    const std::string problem = ValueProblem(*setting->spec, scalar.text);
    const char* fix = scalar.plain ? "` must stand in quotes here" : "` must not stand in quotes here";
    Problem(scalar, problem.empty() ? "`" + scalar.text + fix : problem);
    return;
  }
  Result<std::string> value = ResolveValue(*setting->spec, scalar.text, FolderOf(file_));
  if (!value.ok()) {
    Problem(scalar, value.status().message());
    return;
  }
  setting->written.push_back(scalar.text);
  setting->values.push_back(*value);
}

void ConfigReader::ReadProperties(const YamlNode& map, Setting* setting) {
  if (!map.IsMap()) {
    Problem(map, "`" + setting->path + "` needs `property: value` lines below it");
    return;
  }
  for (size_t i = 0; i < map.entries(); ++i) {
    const std::string& name = map.key(i).text;
    const YamlNode& scalar = map.value(i);
    if (!scalar.IsScalar() || scalar.IsNull()) {
      Problem(scalar, "`" + name + "` takes one value");
      continue;
    }
    Result<std::string> value = ExpandVariables(scalar.text);
    if (value.ok()) value = ReadSecret(*value);
    if (!value.ok()) {
      Problem(scalar, value.status().message());
      continue;
    }
    const std::string problem = KafkaPropertyProblem(name, *value);
    // What a variable or a file holds may be a secret: it is not repeated.
    const bool hidden = *value != scalar.text || IsKafkaSecret(name);
    if (!problem.empty()) Problem(map.key(i), hidden ? "the value of `" + name + "` is not valid" : problem);
    setting->written.push_back(name + "=" + scalar.text);
    setting->values.push_back(name + "=" + *value);
  }
}

void ConfigReader::ReadSecrets(const YamlNode& map, Setting* setting) {
  constexpr size_t kLeastSecret = 16;  // characters
  if (!map.IsMap() || map.entries() == 0) {
    Problem(map, "`" + setting->path +
                     "` needs `name: secret` lines below it, a secret as ${VARIABLE} or file:PATH");
    return;
  }
  for (size_t i = 0; i < map.entries(); ++i) {
    const std::string& name = map.key(i).text;
    const YamlNode& scalar = map.value(i);
    if (!ValidName(name)) {
      Problem(map.key(i), "a name has letters, digits, `-` and `_` only, at most 64");
      continue;
    }
    if (!scalar.IsScalar() || scalar.IsNull()) {
      Problem(scalar, "`" + name + "` takes one secret");
      continue;
    }
    Result<std::string> secret = ExpandVariables(scalar.text);
    if (secret.ok()) secret = ReadSecret(*secret);
    if (!secret.ok()) {
      Problem(scalar, secret.status().message());
    } else if (secret->size() < kLeastSecret) {
      Problem(scalar, "the secret of `" + name + "` can be guessed, write at least 16 characters");
    } else {
      setting->written.push_back(name + "=" + scalar.text);
      setting->values.push_back(name + "=" + *secret);
    }
  }
}

void ConfigReader::UnknownKey(const YamlNode& key, std::string_view section) {
  std::vector<std::string> names;
  for (const SettingSpec* s : SettingsOf(section)) names.emplace_back(s->name);
  for (const SectionSpec* s : SectionsBelow(section)) names.push_back(SectionName(*s));
  const std::vector<std::string_view> known(names.begin(), names.end());
  Problem(key, "unknown key `" + key.text + "`" +
                   Suggestion(key.text, known, ", known here: " + JoinNames(known)));
}

bool ConfigReader::CheckAvailable(const YamlNode& key, Availability availability, const std::string& what) {
  if (availability == Availability::kRefused) {
    Problem(key, what + " is not available in this version, remove it or comment it out");
    return false;
  }
  if (availability == Availability::kWithoutEffect) {
    warnings_->push_back({file_, key.line, key.column, what + " has no effect in this version"});
  }
  return true;
}

void ConfigReader::Problem(const YamlNode& node, std::string message) {
  problems_->push_back({file_, node.line, node.column, std::move(message)});
}

}  // namespace redthread
