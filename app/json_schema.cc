#include "app/json_schema.h"

#include <nlohmann/json.hpp>

namespace redthread {
namespace {

using Json = nlohmann::ordered_json;

// Text that a variable completes: what it will be is not known before it is read.
constexpr const char* kWithVariable = "^.*\\$\\{.+\\}.*$";

Json ValueSchema(const SettingSpec& spec) {
  if (spec.type == SettingType::kVersion) return {{"const", 1}};
  Json form = {{"type", "string"}};
  if (spec.type == SettingType::kFlag) {
    form = {{"type", "boolean"}};
  } else if (spec.type == SettingType::kCount) {
    form = {{"type", "integer"}, {"minimum", 1}, {"maximum", 1'000'000}};
  } else if (spec.type == SettingType::kChoice) {
    Json choices = Json::array();
    for (std::string_view c : SplitChoices(spec.choices)) choices.push_back(c);
    form = {{"enum", choices}};
  } else if (PatternOf(spec.type).empty()) {
    form["minLength"] = 1;
    return form;
  } else {
    form["pattern"] = "^(" + PatternOf(spec.type) + ")$";
  }
  return {{"anyOf", {form, {{"type", "string"}, {"pattern", kWithVariable}}}}};
}

std::string Described(const char* description, Availability availability) {
  std::string text = description;
  if (availability == Availability::kRefused) text += " (not available in this version)";
  if (availability == Availability::kWithoutEffect) text += " (no effect in this version)";
  return text;
}

Json SettingSchema(const SettingSpec& spec) {
  Json schema = {{"description", Described(spec.description, spec.availability)}};
  if (*spec.standard != '\0') {
    const bool is_text = spec.type != SettingType::kFlag && spec.type != SettingType::kCount;
    schema["default"] = is_text ? Json(spec.standard) : Json::parse(spec.standard);
  }
  if (spec.type == SettingType::kProperties) {
    schema["type"] = "object";
    schema["additionalProperties"] = {{"type", {"string", "number", "boolean"}}};
    return schema;
  }
  if (spec.type == SettingType::kSecrets) {
    schema["type"] = "object";
    schema["additionalProperties"] = {{"type", "string"}};
    schema["minProperties"] = 1;
    return schema;
  }
  const Json value = ValueSchema(spec);
  if (!spec.list) {
    schema.update(value);
    return schema;
  }
  schema["anyOf"] = {value, {{"type", "array"}, {"items", value}, {"minItems", MayBeEmpty(spec) ? 0 : 1}}};
  return schema;
}

Json SectionSchema(std::string_view section, bool may_be_empty);

// `sources` and `sinks`: entries of any name, each of the form that its type asks for.
Json NamedEntriesSchema(std::string_view section) {
  Json forms = Json::array();
  for (const SectionSpec* s : SectionsBelow(section)) {
    Json form = SectionSchema(s->path, false);
    form["description"] = Described(s->description, s->availability);
    form["properties"]["type"] = {{"const", SectionName(*s)}};
    form["required"].push_back("type");
    forms.push_back(form);
  }
  return {{"type", {"object", "null"}},
          {"propertyNames", {{"pattern", "^[A-Za-z0-9_-]{1,64}$"}}},
          {"additionalProperties", {{"oneOf", forms}}}};
}

Json SectionSchema(std::string_view section, bool may_be_empty) {
  if (HasNamedEntries(section)) return NamedEntriesSchema(section);
  Json schema;
  schema["type"] = may_be_empty ? Json({"object", "null"}) : Json("object");
  schema["additionalProperties"] = false;
  schema["required"] = Json::array();
  Json properties = Json::object();
  for (const SettingSpec* s : SettingsOf(section)) {
    properties[s->name] = SettingSchema(*s);
    if (s->required) schema["required"].push_back(s->name);
  }
  for (const SectionSpec* s : SectionsBelow(section)) {
    Json below = SectionSchema(s->path, true);
    below["description"] = Described(s->description, s->availability);
    properties[SectionName(*s)] = below;
  }
  schema["properties"] = properties;
  return schema;
}

}  // namespace

std::string PatternOf(SettingType type) {
  constexpr const char* kPort =
      "(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})";
  switch (type) {
    case SettingType::kAddress:
      return "(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9._-]{1,253}):" + std::string(kPort);
    case SettingType::kUrl:
      return "https?://[^\\s/]\\S*";
    case SettingType::kIp:
      return "[0-9A-Fa-f:.]+(/[0-9]{1,3})?";
    case SettingType::kDuration:
      return "[0-9]+[smhdwMy]";
    case SettingType::kSize:
      return "[0-9]+([KMGT]iB|[kKMGT]?B)";
    case SettingType::kPercent:
      return "0*(100(\\.0+)?|[0-9]{1,2}(\\.[0-9]+)?)%";
    case SettingType::kText:
    case SettingType::kPath:
    case SettingType::kSecret:
    case SettingType::kZone:
    case SettingType::kVersion:
    case SettingType::kChoice:
    case SettingType::kFlag:
    case SettingType::kCount:
    case SettingType::kProperties:
    case SettingType::kSecrets:
      return "";
  }
  return "";
}

std::string ConfigJsonSchema() {
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                 {"title", "redthread configuration"}};
  schema.update(SectionSchema("", false));
  return schema.dump(2) + "\n";
}

}  // namespace redthread
