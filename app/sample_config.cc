#include "app/sample_config.h"

#include "app/config_schema.h"
#include "rules/nearest_name.h"

namespace redthread {
namespace {

// What a setting without a default may look like.
std::string ExampleOf(const SettingSpec& spec) {
  const std::string name = spec.name;
  if (name == "brokers") return "[kafka.example:9092]";
  if (name == "topics") return "[logs, ^windows-]";
  if (name == "path") return "/var/log/app/*.ndjson";
  if (name == "instance") return "worker-1";
  if (name == "paths") return "[/etc/redthread/rules]";
  switch (spec.type) {
    case SettingType::kAddress:
      return "127.0.0.1:5514";
    case SettingType::kUrl:
      return "https://receiver.example/";
    case SettingType::kIp:
      return "[203.0.113.7]";
    case SettingType::kSecret:
      return "${TOKEN}";
    case SettingType::kZone:
      return "Europe/Berlin";
    case SettingType::kSecrets:
      return "{office: \"${OFFICE_TOKEN}\"}";
    case SettingType::kProperties:
      return "{security.protocol: ssl}";
    case SettingType::kPath:
      return "/etc/redthread/" + name;
    default:
      return name;
  }
}

std::string SettingLines(const SettingSpec& spec, const std::string& indent) {
  const std::string value = *spec.standard != '\0' ? spec.standard : ExampleOf(spec);
  std::string comment = spec.description;
  if (*spec.choices != '\0') comment += " (" + JoinNames(SplitChoices(spec.choices)) + ")";
  if (spec.availability == Availability::kWithoutEffect) comment += " (no effect in this version)";
  if (spec.type == SettingType::kVersion) return "version: 1\n";
  return indent + "# " + comment + "\n" + indent + "#" + spec.name + ": " + value + "\n";
}

// Of a section without them the heading may stand there with nothing below it.
bool HasRequired(const SectionSpec& section) {
  for (const SettingSpec* s : SettingsOf(section.path)) {
    if (s->required) return true;
  }
  return false;
}

// `commented`: the heading too, since its parent is, or lacks what it needs.
std::string SectionLines(const SectionSpec& section, const std::string& indent, bool commented) {
  if (section.availability == Availability::kRefused) return "";
  std::string lines = indent + "# " + section.description + "\n";
  if (HasNamedEntries(section.path)) {
    lines += indent + SectionName(section) + ":\n";
    for (const SectionSpec* type : SectionsBelow(section.path)) {
      if (type->availability == Availability::kRefused) continue;
      lines += indent + "  # " + type->description + "\n" + indent + "  #my_" + SectionName(*type) + ":\n" +
               indent + "    #type: " + SectionName(*type) + "\n";
      for (const SettingSpec* s : SettingsOf(type->path)) lines += SettingLines(*s, indent + "    ");
      for (const SectionSpec* s : SectionsBelow(type->path)) lines += SectionLines(*s, indent + "    ", true);
    }
    return lines;
  }
  lines += indent + (commented ? "#" : "") + SectionName(section) + ":\n";
  for (const SettingSpec* s : SettingsOf(section.path)) {
    if (s->availability != Availability::kRefused) lines += SettingLines(*s, indent + "  ");
  }
  for (const SectionSpec* s : SectionsBelow(section.path))
    lines += SectionLines(*s, indent + "  ", commented || HasRequired(section));
  return lines;
}

}  // namespace

std::string SampleConfig() {
  std::string text =
      "# Configuration of redthread. Each setting stands here with its default or an example: remove the # "
      "before\n"
      "# it, and before the headings above it, to change it. ${NAME} stands for an environment variable.\n"
      "# `redthread config check` says whether all is well.\n";
  for (const SettingSpec* s : SettingsOf("")) text += "\n" + SettingLines(*s, "");
  for (const SectionSpec* s : SectionsBelow("")) {
    const std::string lines = SectionLines(*s, "", false);
    if (!lines.empty()) text += "\n" + lines;
  }
  return text;
}

}  // namespace redthread
