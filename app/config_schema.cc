#include "app/config_schema.h"

#include <cstring>

#include "core/record_origin.h"

namespace redthread {
namespace {

constexpr auto kNow = Availability::kAvailable;
constexpr auto kLater = Availability::kWithoutEffect;
constexpr auto kNot = Availability::kRefused;

constexpr const char* kLevels = "informational|low|medium|high|critical";
constexpr const char* kStates = "early|final|withdrawn";

}  // namespace

const std::vector<SectionSpec>& AllSections() {
  static const std::vector<SectionSpec> sections = {
      {"sources", kNow, "what to read, each under a name of your choice"},
      {"sources.file", kNow, "files, followed as they grow and are rotated"},
      {"sources.file.logsource", kNow,
       "what the files hold, in Sigma's words; content is asked where this is silent"},
      {"sources.syslog", kNow, "a syslog listener; it reads what senders push to it"},
      {"sources.syslog.tls", kNow, "encryption of connections, for the protocol tls"},
      {"sources.syslog.logsource", kNow,
       "what the senders are, in Sigma's words; content is asked where this is silent"},
      {"sources.http", kNow, "an HTTP listener for log shippers"},
      {"sources.http.tls", kNow, "encryption of connections"},
      {"sources.http.logsource", kNow,
       "what the senders are, in Sigma's words; content is asked where this is silent"},
      {"sources.journal", kNow, "systemd's journal, followed as it is written"},
      {"sources.journal.logsource", kNow,
       "what the entries are, in Sigma's words; content is asked where this is silent"},
      {"sources.kafka", kNow, "topics of a Kafka cluster"},
      {"sources.kafka.logsource", kNow,
       "what the records are, in Sigma's words; content is asked where this is silent"},
      {"kafka", kNow, "several workers share the work over Kafka; then every source is of type kafka"},
      {"kafka.topics", kNow, "our own topics; `redthread kafka init` makes them"},
      {"rules", kNow, "which rules to run"},
      {"correlate", kNow, "how long to wait for what comes late"},
      {"correlate.idle_after", kNow, "when a silent sender stops holding the others back"},
      {"alerts", kNow, "what becomes an alert"},
      {"incidents", kNow, "which alerts belong together"},
      {"retention", kNow, "how much is kept, and for how long"},
      {"sinks", kNot, "where alerts are sent, each under a name of your choice"},
      {"sinks.syslog", kNot, "a SIEM that takes syslog"},
      {"sinks.syslog.tls", kNot, "encryption of the connection"},
      {"sinks.splunk_hec", kNot, "a Splunk HTTP event collector"},
      {"sinks.heartbeat", kNot, "a URL that is called while everything works"},
      {"api", kNow,
       "what this process tells of itself: `/metrics`, for Prometheus, of a worker with `kafka:`"},
  };
  return sections;
}

const std::vector<SettingSpec>& AllSettings() {
  using enum SettingType;
  static const std::vector<SettingSpec> settings = {
      {"", "version", kVersion, false, true, "", "", kNow, "version of this file's form: 1"},
      {"", "data_dir", kPath, false, false, "/var/lib/redthread", "", kNow,
       "where events, state and alerts are kept"},

      {"sources.file", "path", kPath, true, true, "", "", kNow, "files, folders and globs"},
      {"sources.file", "format", kChoice, false, false, "auto", kSourceFormatNames, kNow,
       "how lines are to be read; auto looks at each"},
      {"sources.file", "time_zone", kZone, false, false, "", "", kNow,
       "of times that do not say theirs; without it, correlate.time_zone"},
      {"sources.file", "trusted_proxies", kIp, true, false, "", "", kNow,
       "addresses and networks whose X-Forwarded-For says who a client is; without it, nobody's does"},
      {"sources.file.logsource", "product", kText, true, false, "", "", kNow, "such as windows, linux, aws"},
      {"sources.file.logsource", "service", kText, true, false, "", "", kNow, "such as sshd, security"},
      {"sources.file.logsource", "category", kText, true, false, "", "", kNow,
       "such as process_creation, webserver"},
      {"sources.syslog", "listen", kAddress, false, true, "", "", kNow, "address and port to listen on"},
      {"sources.syslog", "protocols", kChoice, true, false, "[udp, tcp]", "udp|tcp|tls", kNow,
       "which transports to accept"},
      {"sources.syslog", "allow", kIp, true, false, "", "", kNow,
       "who may send; without it, everybody who can reach the address"},
      {"sources.syslog", "allow_plaintext", kFlag, false, false, "false", "", kNow,
       "listen beyond this machine though anybody on the way can read, forge and drop what is sent"},
      {"sources.syslog", "senders", kChoice, false, false, "address", "address|host", kNow,
       "what is told apart as a sender: who sends, or, behind a relay, each host that its messages name"},
      {"sources.syslog", "max_skew", kDuration, false, false, "5m", "", kNow,
       "a message whose time is further from its arrival happened when it arrived; 0s: every time is "
       "believed"},
      {"sources.syslog", "max_message", kSize, false, false, "64KiB", "", kNow,
       "of a longer message only so much of its beginning is kept; at most 16MiB"},
      {"sources.syslog", "max_connections", kCount, false, false, "1000", "", kNow,
       "TCP connections at a time; each may hold one unfinished message in memory"},
      {"sources.syslog", "format", kChoice, false, false, "auto", kSourceFormatNames, kNow,
       "how messages are to be read; auto looks at each"},
      {"sources.syslog", "time_zone", kZone, false, false, "", "", kNow,
       "of times that do not say theirs; without it, correlate.time_zone"},
      {"sources.syslog", "trusted_proxies", kIp, true, false, "", "", kNow,
       "addresses and networks whose X-Forwarded-For says who a client is; without it, nobody's does"},
      {"sources.syslog.tls", "certificate", kPath, false, false, "", "", kNow,
       "our certificate in PEM, with those between it and the root"},
      {"sources.syslog.tls", "key", kPath, false, false, "", "", kNow, "its private key"},
      {"sources.syslog.tls", "client_ca", kPath, false, false, "", "", kNow,
       "who signs the certificates of senders; without it they need none"},
      {"sources.syslog.logsource", "product", kText, true, false, "", "", kNow,
       "such as windows, linux, aws"},
      {"sources.syslog.logsource", "service", kText, true, false, "", "", kNow, "such as sshd, security"},
      {"sources.syslog.logsource", "category", kText, true, false, "", "", kNow,
       "such as process_creation, firewall"},
      {"sources.http", "listen", kAddress, false, true, "", "", kNow, "address and port to listen on"},
      {"sources.http", "protocols", kChoice, true, false, "[hec, bulk, otlp, ndjson]", "hec|bulk|otlp|ndjson",
       kNow, "which senders' protocols to speak: Splunk's HEC, Elastic's _bulk, OTLP in JSON, lines of JSON"},
      {"sources.http", "tokens", kSecrets, true, false, "", "", kNow,
       "who may send: a secret of at least 16 characters under a name of your choice for each; without any, "
       "everybody on this machine"},
      {"sources.http", "allow", kIp, true, false, "", "", kNow,
       "from where they may send; without it, from everywhere that can reach the address"},
      {"sources.http", "allow_plaintext", kFlag, false, false, "false", "", kNow,
       "listen beyond this machine without TLS, for a proxy in front that has it"},
      {"sources.http", "max_body", kSize, false, false, "16MiB", "", kNow,
       "of a request, as it is sent; at most 64MiB"},
      {"sources.http", "max_unpacked", kSize, false, false, "64MiB", "", kNow,
       "of a request once it is unpacked, and of its records; at most 256MiB"},
      {"sources.http", "max_connections", kCount, false, false, "1000", "", kNow, "at a time"},
      {"sources.http", "format", kChoice, false, false, "auto", kSourceFormatNames, kNow,
       "how records are to be read; auto looks at each"},
      {"sources.http", "time_zone", kZone, false, false, "", "", kNow,
       "of times that do not say theirs; without it, correlate.time_zone"},
      {"sources.http", "trusted_proxies", kIp, true, false, "", "", kNow,
       "addresses and networks whose X-Forwarded-For says who a client is; without it, nobody's does"},
      {"sources.http.tls", "certificate", kPath, false, false, "", "", kNow,
       "our certificate in PEM, with those between it and the root"},
      {"sources.http.tls", "key", kPath, false, false, "", "", kNow, "its private key"},
      {"sources.http.tls", "client_ca", kPath, false, false, "", "", kNow,
       "who signs the certificates of senders; without it they need none"},
      {"sources.http.logsource", "product", kText, true, false, "", "", kNow, "such as windows, linux, aws"},
      {"sources.http.logsource", "service", kText, true, false, "", "", kNow, "such as sshd, security"},
      {"sources.http.logsource", "category", kText, true, false, "", "", kNow,
       "such as process_creation, firewall"},
      {"sources.journal", "path", kPath, true, false, "[/var/log/journal, /run/log/journal]", "", kNow,
       "folders with files of a journal; the first that has any is read, and of those named after a machine "
       "only this one's"},
      {"sources.journal", "time_zone", kZone, false, false, "", "", kNow,
       "of times in messages that do not say theirs; without it, correlate.time_zone"},
      {"sources.journal", "trusted_proxies", kIp, true, false, "", "", kNow,
       "addresses and networks whose X-Forwarded-For says who a client is; without it, nobody's does"},
      {"sources.journal.logsource", "product", kText, true, false, "", "", kNow, "such as linux"},
      {"sources.journal.logsource", "service", kText, true, false, "", "", kNow, "such as sshd, auditd"},
      {"sources.journal.logsource", "category", kText, true, false, "", "", kNow,
       "such as process_creation, firewall"},
      {"sources.kafka", "brokers", kAddress, true, false, "", "", kNow,
       "brokers to begin with; without them, those of `kafka` with their settings"},
      {"sources.kafka", "topics", kText, true, true, "", "", kNow,
       "topics to read; one that begins with ^ is a pattern"},
      {"sources.kafka", "group", kText, false, false, "redthread", "", kNow,
       "consumer group under which Kafka's tools show how far it has read"},
      {"sources.kafka", "settings", kProperties, true, false, "", "", kNow,
       "properties of librdkafka, passed on as they are: TLS, SASL and all others"},
      {"sources.kafka", "max_record", kSize, false, false, "16MiB", "", kNow,
       "of a longer record only so much of its beginning is kept; at most 16MiB"},
      {"sources.kafka", "format", kChoice, false, false, "auto", kSourceFormatNames, kNow,
       "how records are to be read; auto looks at each"},
      {"sources.kafka", "time_zone", kZone, false, false, "", "", kNow,
       "of times that do not say theirs; without it, correlate.time_zone"},
      {"sources.kafka", "trusted_proxies", kIp, true, false, "", "", kNow,
       "addresses and networks whose X-Forwarded-For says who a client is; without it, nobody's does"},
      {"sources.kafka.logsource", "product", kText, true, false, "", "", kNow, "such as windows, linux, aws"},
      {"sources.kafka.logsource", "service", kText, true, false, "", "", kNow, "such as sshd, security"},
      {"sources.kafka.logsource", "category", kText, true, false, "", "", kNow,
       "such as process_creation, firewall"},

      {"kafka", "brokers", kAddress, true, true, "", "", kNow, "brokers to begin with"},
      {"kafka", "settings", kProperties, true, false, "", "", kNow,
       "properties of librdkafka, passed on as they are: TLS, SASL and all others"},
      {"kafka", "group", kText, false, false, "redthread", "", kNow,
       "the consumer groups are this name with -detect and -correlate behind it"},
      {"kafka", "match_partitions", kCount, false, false, "12", "", kNow,
       "partitions of the topics matches and alerts: as many workers may correlate"},
      {"kafka", "instance", kText, false, false, "", "", kNow,
       "this worker's own name, the same after a restart: then its partitions wait for it; ${HOSTNAME} where "
       "that stays"},
      {"kafka.topics", "matches", kText, false, false, "redthread.matches", "", kNow,
       "what rules found, on its way to correlation"},
      {"kafka.topics", "alerts", kText, false, false, "redthread.alerts", "", kNow,
       "alerts, as `redthread alerts list -o jsonl` prints them"},
      {"kafka.topics", "control", kText, false, false, "redthread.control", "", kNow,
       "which rules are in force"},
      {"kafka.topics", "incidents", kText, false, false, "", "", kNot, "incidents"},

      {"rules", "paths", kPath, true, false, "", "", kNow,
       "rule files and folders; without any, the shipped rules"},
      {"rules", "variables", kPath, false, false, "", "", kNow, "values for the rules' %placeholders%"},
      {"rules", "pipelines", kPath, true, false, "", "", kNow,
       "Sigma processing pipelines that rules go through: files and folders"},
      {"rules", "reload", kChoice, false, false, "never", "never|watch", kNow,
       "whether changed rules are taken up while running; SIGHUP always does"},

      {"correlate", "lateness", kDuration, false, false, "5m", "", kNow,
       "how late an event may come and still be in order"},
      {"correlate", "late_horizon", kDuration, false, false, "24h", "", kNow,
       "how late an event may come and still change an answer"},
      {"correlate", "time_zone", kZone, false, false, "local", "", kNow,
       "zone of text logs that do not say theirs"},
      {"correlate.idle_after", "tcp", kDuration, false, false, "10m", "", kNow, "of TCP senders"},
      {"correlate.idle_after", "http", kDuration, false, false, "10m", "", kNow, "of HTTP senders"},
      {"correlate.idle_after", "udp", kDuration, false, false, "2m", "", kNow, "of UDP senders"},

      {"alerts", "min_level", kChoice, false, false, "medium", kLevels, kNow,
       "the least level that alerts; what is below is kept as context"},
      {"alerts", "fold", kDuration, false, false, "1h", "", kNow,
       "matches of a rule on the same entities within this time are one alert"},

      {"incidents", "host_user_window", kDuration, false, false, "24h", "", kLater,
       "how long an incident stays open to alerts of its hosts and users"},
      {"incidents", "address_window", kDuration, false, false, "4h", "", kLater,
       "how long an incident stays open to alerts of its addresses"},
      {"incidents", "own_addresses", kIp, true, false, "", "", kNow,
       "addresses shared by the whole site, which tie nothing together"},

      {"retention", "events", kDuration, false, false, "90d", "", kLater, "how long raw events are kept"},
      {"retention", "alerts", kDuration, false, false, "400d", "", kLater,
       "how long alerts and their evidence are kept"},
      {"retention", "max_disk", kSize, false, false, "20GiB", "", kLater, "the most that is kept"},
      {"retention", "keep_free", kSize, false, false, "1GiB", "", kLater, "disk space left to others"},
      {"retention", "sender_quota", kPercent, false, false, "25%", "", kLater,
       "the most of it that one sender may fill when space runs low"},

      {"sinks.syslog", "address", kAddress, false, true, "", "", kNot, "the receiver"},
      {"sinks.syslog", "format", kChoice, false, false, "rfc5424", "rfc5424|cef|leef", kNot,
       "what the receiver reads"},
      {"sinks.syslog", "states", kChoice, true, false, "[final]", kStates, kNot, "which revisions are sent"},
      {"sinks.syslog.tls", "ca", kPath, false, false, "", "", kNot,
       "certificates to trust; the system's without it"},
      {"sinks.syslog.tls", "certificate", kPath, false, false, "", "", kNot, "the client's certificate"},
      {"sinks.syslog.tls", "key", kPath, false, false, "", "", kNot, "the client's private key"},
      {"sinks.splunk_hec", "url", kUrl, false, true, "", "", kNot, "the collector"},
      {"sinks.splunk_hec", "token", kSecret, false, true, "", "", kNot, "the collector's token"},
      {"sinks.splunk_hec", "states", kChoice, true, false, "[final]", kStates, kNot,
       "which revisions are sent"},
      {"sinks.heartbeat", "url", kUrl, false, true, "", "", kNot, "what is called"},
      {"sinks.heartbeat", "every", kDuration, false, false, "5m", "", kNot, "how often"},

      {"api", "listen", kAddress, false, false, "", "", kNow,
       "address and port to listen on, as 127.0.0.1:9600; nothing listens without it"},
      {"api", "token_file", kPath, false, false, "", "", kNot, "file with the token that a caller must show"},
  };
  return settings;
}

std::vector<const SettingSpec*> SettingsOf(std::string_view section) {
  std::vector<const SettingSpec*> found;
  for (const SettingSpec& s : AllSettings()) {
    if (section == s.section) found.push_back(&s);
  }
  return found;
}

std::vector<const SectionSpec*> SectionsBelow(std::string_view section) {
  const std::string prefix = section.empty() ? "" : std::string(section) + ".";
  std::vector<const SectionSpec*> found;
  for (const SectionSpec& s : AllSections()) {
    const std::string_view path = s.path;
    if (path.substr(0, prefix.size()) != prefix || path.size() == prefix.size()) continue;
    if (path.find('.', prefix.size()) == std::string_view::npos) found.push_back(&s);
  }
  return found;
}

std::string SectionName(const SectionSpec& section) {
  const char* dot = std::strrchr(section.path, '.');
  return dot == nullptr ? section.path : dot + 1;
}

bool MayBeEmpty(const SettingSpec& spec) {
  return std::string_view(spec.section) == "rules" && std::string_view(spec.name) == "pipelines";
}

bool HasNamedEntries(std::string_view section) { return section == "sources" || section == "sinks"; }

std::vector<std::string_view> SplitChoices(std::string_view choices) {
  std::vector<std::string_view> split;
  while (!choices.empty()) {
    const size_t bar = choices.find('|');
    split.emplace_back(choices.substr(0, bar));
    choices.remove_prefix(bar == std::string_view::npos ? choices.size() : bar + 1);
  }
  return split;
}

}  // namespace redthread
