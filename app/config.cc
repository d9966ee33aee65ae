#include "app/config.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include "app/config_reader.h"
#include "app/config_value.h"
#include "app/pipeline_config.h"
#include "core/text.h"
#include "ingest/socket_address.h"

namespace redthread {
namespace {

constexpr size_t kMaxConfigBytes = size_t{1} << 20;

// REDTHREAD_ALERTS_MIN_LEVEL for alerts.min_level.
std::string VariableOf(const std::string& path) {
  std::string name = "REDTHREAD_";
  for (char c : path) name += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

bool BelowNamedEntries(const SettingSpec& spec) {
  const std::string_view section = spec.section;
  return section.substr(0, 8) == "sources." || section.substr(0, 6) == "sinks.";
}

std::string PathOf(const SettingSpec& spec) {
  return *spec.section == '\0' ? spec.name : std::string(spec.section) + "." + spec.name;
}

// "[udp, tcp]" -> udp, tcp; anything else is one value, an empty text none.
std::vector<std::string> StandardValues(const SettingSpec& spec) {
  std::string_view text = spec.standard;
  std::vector<std::string> values;
  if (text.empty()) return values;
  if (text.front() != '[') return {std::string(text)};
  text = text.substr(1, text.size() - 2);
  while (!text.empty()) {
    const size_t comma = text.find(", ");
    values.emplace_back(text.substr(0, comma));
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 2);
  }
  return values;
}

// Puts `text` in the place of what the file says.
void Override(const SettingSpec& spec, const std::string& text, Origin origin, const std::string& place,
              LoadedConfig* loaded) {
  Result<std::string> value = ResolveValue(spec, text, "");
  if (!value.ok()) {
    loaded->problems.push_back({place, 0, 0, value.status().message()});
    return;
  }
  const std::string path = PathOf(spec);
  std::erase_if(loaded->settings, [&path](const Setting& s) { return s.path == path; });
  Setting setting;
  setting.path = path;
  setting.spec = &spec;
  setting.written = {text};
  setting.values = {*value};
  setting.origin = origin;
  setting.place = place;
  loaded->settings.push_back(std::move(setting));
}

void TakeOverrides(const ConfigOptions& options, LoadedConfig* loaded) {
  for (const SettingSpec& spec : AllSettings()) {
    if (spec.list || spec.type == SettingType::kVersion || BelowNamedEntries(spec)) continue;
    const std::string path = PathOf(spec);
    if (path == "data_dir" && !options.data_dir.empty()) {
      const Origin origin = options.data_dir_origin == "--data-dir" ? Origin::kFlag : Origin::kVariable;
      Override(spec, options.data_dir, origin, options.data_dir_origin, loaded);
      continue;
    }
    const std::string variable = VariableOf(path);
    const char* text = std::getenv(variable.c_str());
    if (text == nullptr || *text == '\0') continue;
    if (spec.availability == Availability::kRefused) {
      loaded->problems.push_back(
          {variable, 0, 0, "`" + path + "` is not available in this version, unset it"});
      continue;
    }
    if (spec.availability == Availability::kWithoutEffect) {
      loaded->warnings.push_back({variable, 0, 0, "`" + path + "` has no effect in this version"});
    }
    Override(spec, text, Origin::kVariable, variable, loaded);
  }
}

// The names of the entries of sources and sinks, in the order of the file, each with the section of its type.
std::vector<std::pair<std::string, std::string>> NamedEntries(const std::vector<Setting>& settings) {
  std::vector<std::pair<std::string, std::string>> entries;
  for (const Setting& s : settings) {
    if (!BelowNamedEntries(*s.spec)) continue;
    const std::string_view section = s.spec->section;
    const size_t depth = static_cast<size_t>(std::count(section.begin(), section.end(), '.'));
    if (depth != 1) continue;  // of a deeper section; its entry has a required setting of its own
    std::pair<std::string, std::string> entry(s.path.substr(0, s.path.rfind('.')), section);
    if (std::find(entries.begin(), entries.end(), entry) == entries.end()) entries.push_back(entry);
  }
  return entries;
}

// Appends the setting of `path`: the one that was given, else its default if it has one.
void AppendSetting(const SettingSpec& spec, const std::string& path, const std::vector<Setting>& given,
                   std::vector<Setting>* all) {
  if (const Setting* found = FindSetting(given, path)) {
    all->push_back(*found);
  } else if (*spec.standard != '\0' && spec.availability != Availability::kRefused) {
    all->push_back(StandardSetting(spec, path));
  }
}

void AppendEntries(const std::string& section, const std::vector<Setting>& given, std::vector<Setting>* all) {
  for (const auto& [entry, type_section] : NamedEntries(given)) {
    if (entry.compare(0, section.size() + 1, section + ".") != 0) continue;
    for (const SettingSpec& spec : AllSettings()) {
      const std::string_view spec_section = spec.section;
      if (spec_section.substr(0, type_section.size()) != type_section) continue;
      const std::string below(spec_section.substr(type_section.size()));  // "" or ".tls"
      AppendSetting(spec, entry + below + "." + spec.name, given, all);
    }
  }
}

// All settings in the order of the schema, with the defaults of what was not given.
std::vector<Setting> WithDefaults(const std::vector<Setting>& given) {
  std::vector<Setting> all;
  const bool has_pipeline = FindSetting(given, "kafka.brokers") != nullptr;
  std::string_view entries_of;  // "sources" or "sinks", once its entries are there
  for (const SettingSpec& spec : AllSettings()) {
    if (!has_pipeline && IsPipelineSetting(spec)) continue;
    if (!BelowNamedEntries(spec)) {
      AppendSetting(spec, PathOf(spec), given, &all);
      continue;
    }
    const std::string_view section = std::string_view(spec.section);
    const std::string_view kind = section.substr(0, section.find('.'));
    if (kind == entries_of) continue;
    entries_of = kind;
    AppendEntries(std::string(kind), given, &all);
  }
  return all;
}

// ---- from Settings to Config. What is read here has been checked. ----

std::vector<std::string> Values(const LoadedConfig& loaded, const std::string& path) {
  const Setting* setting = FindSetting(loaded.settings, path);
  return setting == nullptr ? std::vector<std::string>() : setting->values;
}

std::string Value(const LoadedConfig& loaded, const std::string& path) {
  const std::vector<std::string> values = Values(loaded, path);
  return values.empty() ? "" : values[0];
}

Nanoseconds DurationOf(const LoadedConfig& loaded, const std::string& path) {
  return ParseTimespan(Value(loaded, path)).value_or(Nanoseconds{});
}

DeclaredLogSource LogSourceOf(const LoadedConfig& loaded, const std::string& entry) {
  return {Values(loaded, entry + ".logsource.product"), Values(loaded, entry + ".logsource.service"),
          Values(loaded, entry + ".logsource.category")};
}

std::string ZoneOf(const LoadedConfig& loaded, const std::string& entry) {
  const std::string own = Value(loaded, entry + ".time_zone");
  return own.empty() ? Value(loaded, "correlate.time_zone") : own;
}

std::vector<FileSourceConfig> FileSources(const LoadedConfig& loaded) {
  std::vector<FileSourceConfig> sources;
  for (const auto& [entry, section] : NamedEntries(loaded.settings)) {
    if (section != "sources.file") continue;
    FileSourceConfig source;
    source.name = entry.substr(std::strlen("sources."));
    source.paths = Values(loaded, entry + ".path");
    source.format = Value(loaded, entry + ".format");
    source.time_zone = ZoneOf(loaded, entry);
    source.trusted_proxies = Values(loaded, entry + ".trusted_proxies");
    source.log_source = LogSourceOf(loaded, entry);
    sources.push_back(std::move(source));
  }
  return sources;
}

std::vector<SyslogSourceConfig> SyslogSources(const LoadedConfig& loaded) {
  std::vector<SyslogSourceConfig> sources;
  for (const auto& [entry, section] : NamedEntries(loaded.settings)) {
    if (section != "sources.syslog") continue;
    SyslogSourceConfig source;
    source.name = entry.substr(std::strlen("sources."));
    source.address = Value(loaded, entry + ".listen");
    for (const std::string& protocol : Values(loaded, entry + ".protocols")) {
      source.udp |= protocol == "udp";
      source.tcp |= protocol == "tcp" || protocol == "tls";
      if (protocol != "tls") continue;
      source.tls = {Value(loaded, entry + ".tls.certificate"), Value(loaded, entry + ".tls.key"),
                    Value(loaded, entry + ".tls.client_ca")};
    }
    for (const std::string& network : Values(loaded, entry + ".allow"))
      source.allowed.push_back(ParseCidr(network).value_or(Cidr{}));
    source.by_host = Value(loaded, entry + ".senders") == "host";
    source.max_skew = DurationOf(loaded, entry + ".max_skew");
    source.max_message_bytes = ParseSize(Value(loaded, entry + ".max_message")).value_or(0);
    source.max_connections = ParseCount(Value(loaded, entry + ".max_connections")).value_or(0);
    source.format = Value(loaded, entry + ".format");
    source.time_zone = ZoneOf(loaded, entry);
    source.trusted_proxies = Values(loaded, entry + ".trusted_proxies");
    source.log_source = LogSourceOf(loaded, entry);
    sources.push_back(std::move(source));
  }
  return sources;
}

// "name=value", as maps stand in a Setting.
std::pair<std::string, std::string> PairOf(const std::string& text) {
  const size_t equals = text.find('=');
  return {text.substr(0, equals), text.substr(equals + 1)};
}

std::vector<HttpSourceConfig> HttpSources(const LoadedConfig& loaded) {
  std::vector<HttpSourceConfig> sources;
  for (const auto& [entry, section] : NamedEntries(loaded.settings)) {
    if (section != "sources.http") continue;
    HttpSourceConfig source;
    source.name = entry.substr(std::strlen("sources."));
    source.address = Value(loaded, entry + ".listen");
    for (const std::string& protocol : Values(loaded, entry + ".protocols")) {
      source.hec |= protocol == "hec";
      source.bulk |= protocol == "bulk";
      source.otlp |= protocol == "otlp";
      source.ndjson |= protocol == "ndjson";
    }
    for (const std::string& token : Values(loaded, entry + ".tokens")) source.tokens.push_back(PairOf(token));
    for (const std::string& network : Values(loaded, entry + ".allow"))
      source.allowed.push_back(ParseCidr(network).value_or(Cidr{}));
    const TlsContext::Options tls = {Value(loaded, entry + ".tls.certificate"),
                                     Value(loaded, entry + ".tls.key"),
                                     Value(loaded, entry + ".tls.client_ca")};
    if (!tls.certificate.empty() || !tls.key.empty() || !tls.client_ca.empty()) source.tls = tls;
    source.max_body_bytes = ParseSize(Value(loaded, entry + ".max_body")).value_or(0);
    source.max_unpacked_bytes = ParseSize(Value(loaded, entry + ".max_unpacked")).value_or(0);
    source.max_connections = ParseCount(Value(loaded, entry + ".max_connections")).value_or(0);
    source.format = Value(loaded, entry + ".format");
    source.time_zone = ZoneOf(loaded, entry);
    source.trusted_proxies = Values(loaded, entry + ".trusted_proxies");
    source.log_source = LogSourceOf(loaded, entry);
    sources.push_back(std::move(source));
  }
  return sources;
}

std::vector<JournalSourceConfig> JournalSources(const LoadedConfig& loaded) {
  std::vector<JournalSourceConfig> sources;
  for (const auto& [entry, section] : NamedEntries(loaded.settings)) {
    if (section != "sources.journal") continue;
    JournalSourceConfig source;
    source.name = entry.substr(std::strlen("sources."));
    source.folders = Values(loaded, entry + ".path");
    // Of "/mnt/journal/" too, the paths of its files begin with "/mnt/journal/".
    for (std::string& folder : source.folders) folder.erase(folder.find_last_not_of('/') + 1);
    source.time_zone = ZoneOf(loaded, entry);
    source.trusted_proxies = Values(loaded, entry + ".trusted_proxies");
    source.log_source = LogSourceOf(loaded, entry);
    sources.push_back(std::move(source));
  }
  return sources;
}

std::vector<KafkaSourceConfig> KafkaSources(const LoadedConfig& loaded,
                                            const std::optional<PipelineConfig>& pipeline) {
  std::vector<KafkaSourceConfig> sources;
  for (const auto& [entry, section] : NamedEntries(loaded.settings)) {
    if (section != "sources.kafka") continue;
    KafkaSourceConfig source;
    source.name = entry.substr(std::strlen("sources."));
    source.settings = KafkaSettingsOf(loaded.settings, entry);
    if (source.settings.brokers.empty() && pipeline.has_value()) {
      source.settings.brokers = pipeline->settings.brokers;
      if (source.settings.properties.empty()) source.settings.properties = pipeline->settings.properties;
    }
    source.topics = Values(loaded, entry + ".topics");
    source.max_record_bytes = ParseSize(Value(loaded, entry + ".max_record")).value_or(0);
    source.format = Value(loaded, entry + ".format");
    source.time_zone = ZoneOf(loaded, entry);
    source.trusted_proxies = Values(loaded, entry + ".trusted_proxies");
    source.log_source = LogSourceOf(loaded, entry);
    sources.push_back(std::move(source));
  }
  return sources;
}

// What is wrong with who may send to a listener, and how; "" when nothing is.
std::string ListenerProblem(const SyslogSourceConfig& source, bool allows_plaintext) {
  const bool open = !IsLoopback(source.address);
  const bool plain = source.udp || !source.tls.has_value();
  if (source.tls.has_value() && (source.tls->certificate.empty() || source.tls->key.empty()))
    return "the protocol `tls` needs `tls: {certificate: ..., key: ...}`";
  if (open && plain && !allows_plaintext) {
    return "`" + source.address +
           "` can be reached from other machines, and syslog over UDP and TCP is neither encrypted nor "
           "proves who sends; listen on 127.0.0.1, use `tls`, or accept that with `allow_plaintext: true` "
           "(and name the "
           "senders in `allow`)";
  }
  if (open && !plain && source.tls->client_ca.empty() && source.allowed.empty()) {
    return "`" + source.address +
           "` can be reached from other machines, say who may send: `tls: {client_ca: ...}` or `allow`";
  }
  return "";
}

// The same of a listener for HTTP.
std::string ListenerProblem(const HttpSourceConfig& source, bool allows_plaintext) {
  if (source.tls.has_value() && (source.tls->certificate.empty() || source.tls->key.empty()))
    return "TLS needs `tls: {certificate: ..., key: ...}`";
  if (IsLoopback(source.address)) return "";
  if (source.tokens.empty()) {
    return "`" + source.address +
           "` can be reached from other machines, say who may send: `tokens: {office: \"${OFFICE_TOKEN}\"}`, "
           "or "
           "listen on 127.0.0.1";
  }
  if (source.tls.has_value() || allows_plaintext) return "";
  return "`" + source.address +
         "` can be reached from other machines, and without TLS everybody on the way reads what is sent, and "
         "its token; give it `tls`, listen on 127.0.0.1, or accept that with `allow_plaintext: true`";
}

// Of a record or a message: how much of it can be kept.
bool FitsRecord(size_t bytes) {
  constexpr size_t kLeast = 480, kMost = size_t{16} << 20;
  return bytes >= kLeast && bytes <= kMost;
}

// What no single setting shows to be wrong.
void CheckTopics(LoadedConfig* loaded) {
  for (const KafkaSourceConfig& source : loaded->config.kafka_sources) {
    const std::string entry = "sources." + source.name;
    const auto check = [&](const char* name, const std::string& problem) {
      const Setting* setting = FindSetting(loaded->settings, entry + name);
      if (setting == nullptr) setting = FindSetting(loaded->settings, entry + ".topics");
      if (setting != nullptr && !problem.empty()) loaded->problems.push_back({setting->place, 0, 0, problem});
    };
    check(".topics", TopicFilter::Of(source.topics).status().message());
    check(".brokers", source.settings.brokers.empty()
                          ? "`brokers` is missing (brokers to begin with), add `brokers: ...`"
                          : "");
    // Of a property that is wrong by itself its place has been told.
    if (loaded->problems.empty()) check(".settings", KafkaSettingsProblem(source.settings));
    check(".max_record", FitsRecord(source.max_record_bytes)
                             ? ""
                             : "`" + Value(*loaded, entry + ".max_record") +
                                   "` is not valid, write a size from 480B to 16MiB");
  }
}

void CheckListeners(LoadedConfig* loaded) {
  for (const SyslogSourceConfig& source : loaded->config.syslog_sources) {
    const std::string entry = "sources." + source.name;
    const auto check = [&](const char* name, const std::string& problem) {
      const Setting* setting = FindSetting(loaded->settings, entry + name);
      if (setting != nullptr && !problem.empty()) loaded->problems.push_back({setting->place, 0, 0, problem});
    };
    const std::vector<std::string> protocols = Values(*loaded, entry + ".protocols");
    const bool both = std::count(protocols.begin(), protocols.end(), "tcp") > 0 && source.tls.has_value();
    check(".protocols", both ? "`tcp` and `tls` cannot share a port, make two sources of them" : "");
    check(".listen", ListenerProblem(source, Value(*loaded, entry + ".allow_plaintext") == "true"));
    const bool fits = FitsRecord(source.max_message_bytes);
    check(".max_message", fits ? ""
                               : "`" + Value(*loaded, entry + ".max_message") +
                                     "` is not valid, write a size from 480B to 16MiB");
  }
}

void CheckHttp(LoadedConfig* loaded) {
  constexpr size_t kMiB = size_t{1} << 20;
  for (const HttpSourceConfig& source : loaded->config.http_sources) {
    const std::string entry = "sources." + source.name;
    const auto check = [&](const char* name, const std::string& problem) {
      const Setting* setting = FindSetting(loaded->settings, entry + name);
      if (setting != nullptr && !problem.empty()) loaded->problems.push_back({setting->place, 0, 0, problem});
    };
    const auto check_size = [&](const char* name, size_t bytes, size_t most) {
      if (bytes >= 1024 && bytes <= most) return;
      check(name, "`" + Value(*loaded, entry + name) + "` is not valid, write a size from 1KiB to " +
                      std::to_string(most / kMiB) + "MiB");
    };
    check(".listen", ListenerProblem(source, Value(*loaded, entry + ".allow_plaintext") == "true"));
    check_size(".max_body", source.max_body_bytes, 64 * kMiB);
    check_size(".max_unpacked", source.max_unpacked_bytes, 256 * kMiB);
  }
}

Config ConfigOf(const LoadedConfig& loaded) {
  Config config;
  config.data_dir = Value(loaded, "data_dir");
  config.file_sources = FileSources(loaded);
  config.syslog_sources = SyslogSources(loaded);
  config.http_sources = HttpSources(loaded);
  config.journal_sources = JournalSources(loaded);
  config.pipeline = PipelineOf(loaded.settings);
  config.kafka_sources = KafkaSources(loaded, config.pipeline);
  config.rule_paths = Values(loaded, "rules.paths");
  config.rule_variables = Value(loaded, "rules.variables");
  config.rule_pipelines = Values(loaded, "rules.pipelines");
  config.watch_rules = Value(loaded, "rules.reload") == "watch";
  ParseLevel(Value(loaded, "alerts.min_level"), &config.min_level);
  config.times.fold = DurationOf(loaded, "alerts.fold");
  config.times.lateness = DurationOf(loaded, "correlate.lateness");
  config.times.late_horizon = DurationOf(loaded, "correlate.late_horizon");
  config.udp_idle_after = DurationOf(loaded, "correlate.idle_after.udp");
  config.tcp_idle_after = DurationOf(loaded, "correlate.idle_after.tcp");
  config.http_idle_after = DurationOf(loaded, "correlate.idle_after.http");
  config.own_addresses = Values(loaded, "incidents.own_addresses");
  return config;
}

void Complete(const ConfigOptions& options, LoadedConfig* loaded) {
  TakeOverrides(options, loaded);
  loaded->settings = WithDefaults(loaded->settings);
  loaded->config = ConfigOf(*loaded);
  CheckListeners(loaded);
  CheckHttp(loaded);
  CheckTopics(loaded);
  CheckPipeline(loaded);
}

// The text of the file; Io with the system's reason.
Result<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  if (file.is_open()) text << file.rdbuf();
  if (!file.is_open() || file.bad()) {
    return Status::Io("cannot read the configuration: " + std::string(std::strerror(errno)));
  }
  if (text.str().size() > kMaxConfigBytes) return Status::Limit("a configuration has at most 1 MiB");
  return text.str();
}

}  // namespace

Setting StandardSetting(const SettingSpec& spec, const std::string& path) {
  Setting setting;
  setting.path = path;
  setting.spec = &spec;
  setting.written = setting.values = StandardValues(spec);
  return setting;
}

const Setting* FindSetting(const std::vector<Setting>& settings, std::string_view path) {
  for (const Setting& s : settings) {
    if (s.path == path) return &s;
  }
  return nullptr;
}

LoadedConfig LoadConfigFromText(std::string_view yaml, const std::string& file,
                                const ConfigOptions& options) {
  LoadedConfig loaded;
  loaded.file = file;
  ConfigReader(file, &loaded.settings, &loaded.problems, &loaded.warnings).Read(yaml);
  Complete(options, &loaded);
  return loaded;
}

LoadedConfig LoadConfig(const ConfigOptions& options) {
  const std::string path = options.path.empty() ? kDefaultConfigPath : options.path;
  LoadedConfig loaded;
  if (options.path.empty() && !std::ifstream(path).is_open() && errno == ENOENT) {
    Complete(options, &loaded);
    return loaded;
  }
  Result<std::string> text = ReadFile(path);
  if (text.ok()) return LoadConfigFromText(*text, path, options);
  loaded.file = path;
  loaded.problems.push_back({path, 0, 0, text.status().message()});
  return loaded;
}

}  // namespace redthread
