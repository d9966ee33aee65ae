// Configuration: what redthread is told to do, from one YAML file, REDTHREAD_* variables and flags.
//
// Two views of the same facts: Settings, every setting with the place its value came from (for `config show`
// and complaints), and Config, the typed values that the program works with. Order: flag > variable > file >
// default. A variable is named after the setting: alerts.min_level is REDTHREAD_ALERTS_MIN_LEVEL. Lists and
// the entries of `sources` and `sinks` come from the file alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/config_schema.h"
#include "app/placed_problem.h"
#include "core/detection.h"
#include "core/log_source.h"
#include "core/status.h"
#include "core/text.h"
#include "core/timestamp.h"
#include "ingest/kafka_settings.h"
#include "ingest/tls_context.h"
#include "rules/rule_bundle.h"

namespace redthread {

inline constexpr const char* kDefaultConfigPath = "/etc/redthread/redthread.yml";

enum class Origin { kDefault, kFile, kVariable, kFlag };

struct Setting {
  std::string path;  // "sources.auth.format"
  const SettingSpec* spec = nullptr;
  std::vector<std::string> written;  // as it was written, ${NAME} and file: still in it
  std::vector<std::string> values;   // what that means; of the same size. One unless spec->list
  Origin origin = Origin::kDefault;
  std::string place;  // "redthread.yml:7:13", "REDTHREAD_DATA_DIR", "--data-dir"; empty for defaults
};

// One source of type file.
struct FileSourceConfig {
  std::string name;
  std::vector<std::string> paths;  // files, folders and globs; absolute, or relative to the working directory
  std::string format;              // one of kSourceFormatNames
  std::string time_zone;           // TimeZone::Load
  std::vector<std::string> trusted_proxies;  // ParseCidr
  DeclaredLogSource log_source;
};

// One source of type syslog.
struct SyslogSourceConfig {
  std::string name;
  std::string address;  // "127.0.0.1:5514"
  bool udp = false;
  bool tcp = false;
  std::optional<TlsContext::Options> tls;  // of connections, which are all of TCP then
  std::vector<Cidr> allowed;               // none: everybody
  bool by_host = false;                    // ListenerInput
  Nanoseconds max_skew{0};                 // RecordOrigin
  size_t max_message_bytes = 0;
  size_t max_connections = 0;
  std::string format;     // as of a file
  std::string time_zone;  // as of a file
  std::vector<std::string> trusted_proxies;
  DeclaredLogSource log_source;
};

// One source of type http.
struct HttpSourceConfig {
  std::string name;
  std::string address;
  bool hec = false, bulk = false, otlp = false, ndjson = false;  // the protocols that it speaks
  std::vector<std::pair<std::string, std::string>> tokens;  // names and secrets; none: everybody may send
  std::optional<TlsContext::Options> tls;
  std::vector<Cidr> allowed;  // none: everybody
  size_t max_body_bytes = 0;
  size_t max_unpacked_bytes = 0;
  size_t max_connections = 0;
  std::string format;     // as of a file
  std::string time_zone;  // as of a file
  std::vector<std::string> trusted_proxies;
  DeclaredLogSource log_source;
};

// One source of type journal.
struct JournalSourceConfig {
  std::string name;
  std::vector<std::string> folders;  // the first with files of a journal counts
  std::string time_zone;             // as of a file
  std::vector<std::string> trusted_proxies;
  DeclaredLogSource log_source;
};

// One source of type kafka.
struct KafkaSourceConfig {
  std::string name;
  KafkaSettings settings;
  std::vector<std::string> topics;  // TopicFilter
  size_t max_record_bytes = 0;
  std::string format;     // as of a file
  std::string time_zone;  // as of a file
  std::vector<std::string> trusted_proxies;
  DeclaredLogSource log_source;
};

// Workers that share the work over Kafka.
struct PipelineConfig {
  KafkaSettings settings;  // its group begins the names of the consumer groups
  std::string instance;    // of this worker: static membership; empty: none
  int match_partitions = 0;
  std::string matches;  // topics
  std::string alerts;
  std::string control;
  std::string metrics_address;  // host:port, of loopback; empty: none
  // Each source has a group of its own: a member is given what it reads, and nothing else.
  std::string DetectGroup(const std::string& source) const { return settings.group + "-detect-" + source; }
  std::string CorrelateGroup() const { return settings.group + "-correlate"; }
};

struct Config {
  std::string data_dir;
  std::vector<FileSourceConfig> file_sources;
  std::vector<SyslogSourceConfig> syslog_sources;
  std::vector<HttpSourceConfig> http_sources;
  std::vector<JournalSourceConfig> journal_sources;
  std::vector<KafkaSourceConfig> kafka_sources;
  std::optional<PipelineConfig> pipeline;  // of `kafka:`; then there are no sources of other types than kafka
  size_t sources() const {
    return file_sources.size() + syslog_sources.size() + http_sources.size() + journal_sources.size() +
           kafka_sources.size();
  }
  std::vector<std::string> rule_paths;      // empty: the shipped rules
  std::string rule_variables;               // a site file; empty: none
  std::vector<std::string> rule_pipelines;  // processing pipelines
  bool watch_rules = false;                 // take changed rules up while running
  Level min_level = Level::kMedium;
  RuleBundle::Times times;
  Nanoseconds udp_idle_after{};
  Nanoseconds tcp_idle_after{};
  Nanoseconds http_idle_after{};
  std::vector<std::string> own_addresses;  // of the site: they are nobody's (Engine::Options)
};

struct LoadedConfig {
  std::string file;               // that was read; empty: there is none, and the defaults hold
  std::vector<Setting> settings;  // in the order of the schema, defaults too
  Config config;                  // to be used only while `problems` is empty
  std::vector<PlacedProblem> problems;
  std::vector<PlacedProblem> warnings;  // settings that have no effect in this version
};

struct ConfigOptions {
  std::string path;             // empty: kDefaultConfigPath, if it is there
  std::string data_dir;         // overrides the file's; empty: does not
  std::string data_dir_origin;  // "--data-dir", "REDTHREAD_DATA_DIR"
};

// Reads and checks everything, and reports all problems at once. A file that was named and cannot be read is
// a problem.
LoadedConfig LoadConfig(const ConfigOptions& options);

// The same for the text of a file; `file` is its name in complaints, and its folder that of relative paths.
LoadedConfig LoadConfigFromText(std::string_view yaml, const std::string& file, const ConfigOptions& options);

// The default of a setting, under the path of an entry's or its own.
Setting StandardSetting(const SettingSpec& spec, const std::string& path);

// The setting of that path, or null.
const Setting* FindSetting(const std::vector<Setting>& settings, std::string_view path);

}  // namespace redthread
