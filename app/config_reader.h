// ConfigReader: from the YAML of a configuration file to Settings, checked against the schema.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"
#include "rules/yaml.h"

namespace redthread {

// One per file. Reads on after a problem, so that all of them are told at once.
class ConfigReader {
 public:
  // `file` is the name used in places; relative paths start at its folder. All three pointers outlive it.
  ConfigReader(std::string file, std::vector<Setting>* settings, std::vector<PlacedProblem>* problems,
               std::vector<PlacedProblem>* warnings)
      : file_(std::move(file)), settings_(settings), problems_(problems), warnings_(warnings) {}

  // Adds what the text says. Settings come in the order of the file, without defaults.
  void Read(std::string_view yaml);

 private:
  void ReadSection(const YamlNode& map, std::string_view section, const std::string& path);
  void ReadNamedEntries(const YamlNode& map, std::string_view section);
  void ReadEntry(const YamlNode& key, const YamlNode& map, std::string_view section);
  void AddDefault(const YamlNode& key, const SectionSpec& section, const std::string& path);
  void ReadSetting(const YamlNode& key, const YamlNode& value, const SettingSpec& spec,
                   const std::string& path);
  void ReadValue(const YamlNode& scalar, Setting* setting);
  void ReadProperties(const YamlNode& map, Setting* setting);
  void ReadSecrets(const YamlNode& map, Setting* setting);
  void ReadSubsection(const YamlNode& key, const YamlNode& value, const SectionSpec& section,
                      const std::string& path);
  void UnknownKey(const YamlNode& key, std::string_view section);
  // Says what this version does not do; false when that makes reading on useless.
  bool CheckAvailable(const YamlNode& key, Availability availability, const std::string& what);

  void Problem(const YamlNode& node, std::string message);

  std::string file_;
  std::vector<Setting>* settings_;
  std::vector<PlacedProblem>* problems_;
  std::vector<PlacedProblem>* warnings_;
};

// Turns the text of one value into what it means: variables expanded, checked against its type, a path made
// to start at `folder`, a secret read from its file. kInvalid or kIo with what is wrong and what to write
// instead.
Result<std::string> ResolveValue(const SettingSpec& spec, const std::string& written,
                                 const std::string& folder);

}  // namespace redthread
