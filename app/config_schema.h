// The schema of the configuration: one table from which the reader, the JSON Schema and the sample file are
// all made, so that none of them can know more than the others.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace redthread {

// What a value must look like, and what its text means.
enum class SettingType {
  kText,
  kPath,        // a relative one starts at the folder of the configuration file
  kAddress,     // host:port, [v6]:port
  kUrl,         // http:// or https://
  kIp,          // an IP address or a network in CIDR form
  kSecret,      // never shown; besides ${NAME} also file:PATH
  kDuration,    // 90s, 5m, 24h, 7d
  kSize,        // 512MiB, 20GiB
  kPercent,     // 25%
  kZone,        // a time zone: a name, local, UTC, +02:00
  kVersion,     // of this schema: 1
  kFlag,        // true or false
  kCount,       // a whole number from 1 to 1,000,000
  kChoice,      // one of `choices`
  kProperties,  // a map of names to values, given to librdkafka as they are; in Setting as "name=value"
  kSecrets,     // a map of names to secrets, never shown; in Setting as "name=secret"
};

// What this version of redthread does with a setting.
enum class Availability {
  kAvailable,
  kWithoutEffect,  // read and checked, changes nothing yet: a warning
  kRefused,        // what it asks for would silently not happen: an error
};

struct SettingSpec {
  const char* section;  // "", "rules", "sources.file", "correlate.idle_after"
  const char* name;
  SettingType type;
  bool list;             // one value or a list of them
  bool required;         // where its section is written
  const char* standard;  // the default, as one would write it; "" for none
  const char* choices;   // of kChoice: "auto|json"
  Availability availability;
  const char* description;  // one sentence, for config init and the JSON Schema
};

// A map of its own in the file. Those below "sources" and "sinks" are chosen by an entry's `type`.
struct SectionSpec {
  const char* path;
  Availability availability;
  const char* description;
};

const std::vector<SettingSpec>& AllSettings();
const std::vector<SectionSpec>& AllSections();

// The settings of one section, in the order of the table.
std::vector<const SettingSpec*> SettingsOf(std::string_view section);
// The sections right below one: of "correlate" that is "correlate.idle_after". Of "sources" and "sinks",
// their types: "sources.file", ...
std::vector<const SectionSpec*> SectionsBelow(std::string_view section);
// The last part of a section's path: "file".
std::string SectionName(const SectionSpec& section);
// Whether an empty list of it means that there is none. Of others it is taken for a slip.
bool MayBeEmpty(const SettingSpec& spec);
// Whether the entries of a section are named by the user and have a type: "sources", "sinks".
bool HasNamedEntries(std::string_view section);

// "a|b" -> a, b. The results live as long as `choices`.
std::vector<std::string_view> SplitChoices(std::string_view choices);

}  // namespace redthread
