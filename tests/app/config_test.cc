// The configuration: what is accepted, what is refused and in which words, and where each value came from.
#include "app/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>

#include "app/config_value.h"
#include "app/json_schema.h"
#include "app/sample_config.h"
#include "rules/yaml.h"
#include "rules/yaml_scalar.h"
#include "tests/support/binary.h"

namespace redthread {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Sets a variable for as long as it lives.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Variable() { unsetenv(name_); }

 private:
  const char* name_;
};

LoadedConfig Load(const std::string& yaml, const ConfigOptions& options = {}) {
  return LoadConfigFromText(yaml, "/etc/redthread/c.yml", options);
}

std::vector<std::string> Rendered(const std::vector<PlacedProblem>& problems) {
  std::vector<std::string> lines;
  for (const PlacedProblem& p : problems) lines.push_back(p.Render());
  return lines;
}

constexpr const char* kGood[] = {
    "version: 1\nsources: {net: {type: syslog, listen: \"127.0.0.1:5514\"}}\n",
    "version: 1\nsources:\n  net: {type: syslog, listen: \"0.0.0.0:514\", allow_plaintext: true, allow: "
    "[10.0.0.0/8],\n"
    "    protocols: udp, max_message: 8KiB, max_connections: 20, max_skew: 0s, logsource: {product: "
    "linux}}\n",
    "version: 1\n",
    "version: 1\nsources:\nrules:\n",
    "version: 1\ndata_dir: /srv/redthread\n",
    "version: 1\nsources: {a: {type: file, path: /var/log/a.log}}\n",
    "version: 1\nsources:\n  a:\n    type: file\n    path: [a, b]\n    format: json\n"
    "    logsource: {product: linux, service: [sshd, sudo]}\n",
    "version: 1\nrules: {paths: [r1, r2], variables: site.yml, reload: never}\n",
    "version: 1\nrules: {paths: [r1], pipelines: []}\n",
    "version: 1\ncorrelate: {lateness: 90s, late_horizon: 2d, idle_after: {tcp: 1m}}\n",
    "version: 1\nalerts: {min_level: low, fold: 30m}\n",
    "version: 1\nincidents: {own_addresses: [203.0.113.7, 10.0.0.0/8, \"2001:db8::/32\"]}\n",
    "version: 1\nretention: {events: 1y, max_disk: 500GB, keep_free: 512MiB, sender_quota: 12.5%}\n",
};

struct BadCase {
  const char* yaml;
  const char* problem;
};
constexpr BadCase kBad[] = {
    {"", "/etc/redthread/c.yml:1:1: the file is empty, begin it with `version: 1`"},
    {"- a\n", "/etc/redthread/c.yml:1:1: expected `key: value` lines, begin with `version: 1`"},
    {"data_dir: /x\n",
     "/etc/redthread/c.yml:1:1: `version` is missing (version of this file's form: 1), add `version: 1`"},
    {"version: 2\n",
     "/etc/redthread/c.yml:1:10: `2` is not valid, write 1, the only version of this file's form"},
    {"version: \"1\"\n", "/etc/redthread/c.yml:1:10: `1` must not stand in quotes here"},
    {"version: 1\ndatadir: /x\n",
     "/etc/redthread/c.yml:2:1: unknown key `datadir`, did you mean `data_dir`?"},
    {"version: 1\ndata_dir:\n", "/etc/redthread/c.yml:2:10: `data_dir` needs a value, or to be left out"},
    {"version: 1\ndata_dir: [a]\n", "/etc/redthread/c.yml:2:11: `data_dir` takes one value, no list"},
    {"version: 1\ndata_dir: 007\n", "/etc/redthread/c.yml:2:11: `007` must stand in quotes here"},
    {"version: 1\nrules: r\n", "/etc/redthread/c.yml:2:8: `rules` needs `key: value` lines below it"},
    {"version: 1\nrules: {paths: []}\n",
     "/etc/redthread/c.yml:2:16: `rules.paths` takes a value or a list of values"},
    {"version: 1\nrules: {paths: [[a]]}\n",
     "/etc/redthread/c.yml:2:17: `rules.paths` takes plain values, no lists or maps within the list"},
    {"version: 1\napi: {token_file: t}\n",
     "/etc/redthread/c.yml:2:7: `api.token_file` is not available in this version, remove it or comment it "
     "out"},
    {"version: 1\nrules: {pipelines: {p: 1}}\n",
     "/etc/redthread/c.yml:2:20: `rules.pipelines` takes a value or a list of values"},
    {"version: 1\nalerts: {min_level: hihg}\n",
     "/etc/redthread/c.yml:2:21: `hihg` is not one of informational, low, medium, high and critical, did you "
     "mean `high`?"},
    {"version: 1\nalerts: {fold: 1 hour}\n",
     "/etc/redthread/c.yml:2:16: `1 hour` is not valid, write a duration with its unit, such as 90s, 5m, 24h "
     "or "
     "7d"},
    {"version: 1\nalerts: {fold: 60}\n",
     "/etc/redthread/c.yml:2:16: `60` is not valid, write a duration with its unit, such as 90s, 5m, 24h or "
     "7d"},
    {"version: 1\nretention: {max_disk: 20}\n",
     "/etc/redthread/c.yml:2:23: `20` is not valid, write a size with its unit, such as 512MiB or 20GiB"},
    {"version: 1\nretention: {sender_quota: 125%}\n",
     "/etc/redthread/c.yml:2:27: `125%` is not valid, write a percentage from 0% to 100%, such as 25%"},
    {"version: 1\nincidents: {own_addresses: [fileserver]}\n",
     "/etc/redthread/c.yml:2:29: `fileserver` is not valid, write an IP address or network, such as "
     "203.0.113.7 "
     "or 10.0.0.0/8"},
    {"version: 1\nsources: {a: {path: x}}\n",
     "/etc/redthread/c.yml:2:11: `a` has no `type`, add one of file, syslog, http, journal and kafka"},
    {"version: 1\nsources: {a: {type: flie, path: x}}\n",
     "/etc/redthread/c.yml:2:21: `flie` is not one of file, syslog, http, journal and kafka, did you mean "
     "`file`?"},
    {"version: 1\nsources: {a: {type: file}}\n",
     "/etc/redthread/c.yml:2:14: `path` is missing (files, folders and globs), add `path: ...`"},
    {"version: 1\nsources: {a: {type: file, path: x, fromat: json}}\n",
     "/etc/redthread/c.yml:2:36: unknown key `fromat`, did you mean `format`?"},
    {"version: 1\nsources: {a: {type: file, path: x, zzzzzz: json}}\n",
     "/etc/redthread/c.yml:2:36: unknown key `zzzzzz`, known here: path, format, time_zone, "
     "trusted_proxies and logsource"},
    {"version: 1\nsources: {a.b: {type: file, path: x}}\n",
     "/etc/redthread/c.yml:2:11: a name has letters, digits, `-` and `_` only, at most 64"},
    {"version: 1\nsources: {net: {type: syslog}}\n",
     "/etc/redthread/c.yml:2:16: `listen` is missing (address and port to listen on), add `listen: ...`"},
    {"version: 1\nsources: {net: {type: syslog, listen: \"127.0.0.1:5514\", allow_plaintext: 1}}\n",
     "/etc/redthread/c.yml:2:74: `1` is not valid, write true or false"},
    {"version: 1\nsources: {net: {type: syslog, listen: \"127.0.0.1:5514\", allow_plaintext: \"true\"}}\n",
     "/etc/redthread/c.yml:2:74: `true` must not stand in quotes here"},
    {"version: 1\nsources: {net: {type: syslog, listen: \"127.0.0.1:5514\", max_connections: 0}}\n",
     "/etc/redthread/c.yml:2:74: `0` is not valid, write a whole number from 1 to 1000000"},
    {"version: 1\nsources: {net: {type: syslog, listen: \"127.0.0.1:5514\", protocols: [http]}}\n",
     "/etc/redthread/c.yml:2:69: `http` is not one of udp, tcp and tls"},
    {"version: 1\nsinks: {siem: {type: syslog, address: \"siem:6514\"}}\n",
     "/etc/redthread/c.yml:2:1: `sinks` is not available in this version, remove it or comment it out"},
    {"version: 1\ndata_dir: ${REDTHREAD_TEST_UNSET}/x\n",
     "/etc/redthread/c.yml:2:11: the environment variable `REDTHREAD_TEST_UNSET` is not set"},
    {"version: 1\ndata_dir: ${HOME\n",
     "/etc/redthread/c.yml:2:11: `${` without its `}`, write $${ for the characters themselves"},
    {"version: 1\n---\nversion: 1\n", "/etc/redthread/c.yml:3:1: a second document, put everything into one"},
};

TEST(ConfigTest, GoodConfigurationsHaveNoProblems) {
  for (const char* yaml : kGood) EXPECT_THAT(Rendered(Load(yaml).problems), IsEmpty()) << yaml;
}

TEST(ConfigTest, EveryComplaintSaysWhereAndWhatToWriteInstead) {
  for (const BadCase& c : kBad) {
    EXPECT_THAT(Rendered(Load(c.yaml).problems), ElementsAre(c.problem)) << c.yaml;
  }
}

TEST(ConfigTest, BrokenYamlIsPlacedToo) {
  for (const char* yaml :
       {"version: [1\n", "version: 1\n\tx: 1\n", "version: 1\nversion: 1\n", "a: &x 1\nb: *x\n"}) {
    const LoadedConfig loaded = Load(yaml);
    ASSERT_FALSE(loaded.problems.empty()) << yaml;
    EXPECT_THAT(loaded.problems[0].Place(), testing::MatchesRegex("/etc/redthread/c.yml:[0-9]+:[0-9]+"));
  }
}

TEST(ConfigTest, AllProblemsAreToldAtOnce) {
  const LoadedConfig loaded = Load(
      "version: 3\n"
      "dta_dir: /x\n"
      "sources:\n"
      "  a: {type: file, path: x, format: yaml}\n"
      "  b: {type: file}\n"
      "alerts: {min_level: 7, fold: never}\n");
  EXPECT_EQ(loaded.problems.size(), 6u) << testing::PrintToString(Rendered(loaded.problems));
}

TEST(ConfigTest, AFlagStandsBeforeAVariableBeforeTheFileBeforeTheDefault) {
  const std::string yaml = "version: 1\ndata_dir: /file\nalerts: {min_level: low}\n";
  EXPECT_EQ(Load("version: 1\n").config.data_dir, "/var/lib/redthread");
  EXPECT_EQ(Load(yaml).config.data_dir, "/file");

  const Variable level("REDTHREAD_ALERTS_MIN_LEVEL", "critical");
  ConfigOptions options;
  options.data_dir = "/flag";
  options.data_dir_origin = "--data-dir";
  const LoadedConfig loaded = Load(yaml, options);
  EXPECT_EQ(loaded.config.data_dir, "/flag");
  EXPECT_EQ(FindSetting(loaded.settings, "data_dir")->origin, Origin::kFlag);
  EXPECT_EQ(loaded.config.min_level, Level::kCritical);
  EXPECT_EQ(FindSetting(loaded.settings, "alerts.min_level")->place, "REDTHREAD_ALERTS_MIN_LEVEL");
  EXPECT_EQ(FindSetting(loaded.settings, "alerts.fold")->origin, Origin::kDefault);
}

TEST(ConfigTest, ABadVariableIsNamed) {
  const Variable fold("REDTHREAD_ALERTS_FOLD", "soon");
  const Variable api("REDTHREAD_API_TOKEN_FILE", "/etc/token");
  EXPECT_THAT(
      Rendered(Load("version: 1\n").problems),
      ElementsAre("REDTHREAD_ALERTS_FOLD: `soon` is not valid, write a duration with its unit, such as "
                  "90s, 5m, 24h or 7d",
                  "REDTHREAD_API_TOKEN_FILE: `api.token_file` is not available in this version, unset it"));
}

TEST(ConfigTest, MetricsAreOfWorkersAndStayOnThisMachine) {
  const std::string workers =
      "version: 1\nkafka: {brokers: [\"k:9092\"]}\nsources: {a: {type: kafka, topics: [t]}}\n";
  const LoadedConfig loaded = Load(workers + "api: {listen: \"127.0.0.1:9600\"}\n");
  EXPECT_THAT(Rendered(loaded.problems), IsEmpty());
  EXPECT_EQ(loaded.config.pipeline->metrics_address, "127.0.0.1:9600");
  EXPECT_EQ(Load(workers).config.pipeline->metrics_address, "");
  EXPECT_THAT(Rendered(Load(workers + "api: {listen: \"0.0.0.0:9600\"}\n").problems),
              ElementsAre(HasSubstr("can be reached from other machines")));
  EXPECT_THAT(Rendered(Load("version: 1\napi: {listen: \"127.0.0.1:9600\"}\n").warnings),
              ElementsAre(HasSubstr("has no effect without `kafka:`")));
}

TEST(ConfigTest, TypedValuesAreWhatTheFileSays) {
  const Variable root("REDTHREAD_TEST_ROOT", "/srv");
  const Config config =
      Load(
          "version: 1\n"
          "data_dir: ${REDTHREAD_TEST_ROOT}/data\n"
          "sources:\n"
          "  web: {type: file, path: logs/web*.ndjson, logsource: {category: webserver}}\n"
          "  win: {type: file, path: [/a, b], format: json, trusted_proxies: [10.0.0.0/8, \"::1\"]}\n"
          "rules: {paths: [mine], variables: site.yml, pipelines: ecs.yml}\n"
          "correlate: {lateness: 90s}\n"
          "incidents: {own_addresses: 203.0.113.7}\n")
          .config;
  EXPECT_EQ(config.data_dir, "/srv/data");
  ASSERT_EQ(config.file_sources.size(), 2u);
  EXPECT_EQ(config.file_sources[0].name, "web");
  EXPECT_THAT(config.file_sources[0].paths, ElementsAre("/etc/redthread/logs/web*.ndjson"));
  EXPECT_THAT(config.file_sources[0].log_source.categories, ElementsAre("webserver"));
  EXPECT_EQ(config.file_sources[0].format, "auto");
  EXPECT_EQ(config.file_sources[1].format, "json");
  EXPECT_THAT(config.file_sources[0].trusted_proxies, IsEmpty());
  EXPECT_THAT(config.file_sources[1].trusted_proxies, ElementsAre("10.0.0.0/8", "::1"));
  EXPECT_THAT(config.file_sources[1].paths, ElementsAre("/a", "/etc/redthread/b"));
  EXPECT_THAT(config.rule_paths, ElementsAre("/etc/redthread/mine"));
  EXPECT_EQ(config.rule_variables, "/etc/redthread/site.yml");
  EXPECT_THAT(config.rule_pipelines, ElementsAre("/etc/redthread/ecs.yml"));
  EXPECT_EQ(config.times.lateness, std::chrono::seconds(90));
  EXPECT_EQ(config.times.fold, std::chrono::hours(1));
  EXPECT_THAT(config.own_addresses, ElementsAre("203.0.113.7"));
}

TEST(ConfigTest, ASettingThatDoesNothingYetIsAWarning) {
  const LoadedConfig loaded = Load("version: 1\nretention: {events: 30d}\n");
  EXPECT_THAT(Rendered(loaded.warnings),
              ElementsAre("/etc/redthread/c.yml:2:13: `retention.events` has no effect in this version"));
}

TEST(ConfigValueTest, SizesPercentagesAndAddressesAreReadExactly) {
  EXPECT_EQ(ParseSize("20GiB"), 20ull << 30);
  EXPECT_EQ(ParseSize("1kB"), 1000u);
  for (const char* bad : {"", "20", "GiB", "20 GiB", "-1B", "1.5GiB", "20gib", "99999999999999TiB"}) {
    EXPECT_FALSE(ParseSize(bad)) << bad;
  }
  EXPECT_EQ(ParsePercent("25%"), 0.25);
  for (const char* bad : {"", "%", "25", "101%", "-1%", "+1%", "1e1%"})
    EXPECT_FALSE(ParsePercent(bad)) << bad;
  EXPECT_EQ(ParseHostPort("[::1]:514")->host, "::1");
  EXPECT_EQ(ParseHostPort("siem.lan:6514")->port, 6514);
  for (const char* bad :
       {"", ":1", "a", "a:", "a:0", "a:65536", "a:1x", "a b:1", "::1:5", "[1.2.3.4]:5", "a:05"}) {
    EXPECT_FALSE(ParseHostPort(bad)) << bad;
  }
}

TEST(ConfigValueTest, SecretsComeFromVariablesAndFilesAndAreNeverRepeated) {
  const std::string path = testing::TempDir() + "redthread_secret";
  std::ofstream(path) << "s3cret\r\nsecond line\n";
  EXPECT_EQ(*ReadSecret("file:" + path), "s3cret");
  EXPECT_EQ(*ReadSecret("plain"), "plain");
  std::ofstream(path, std::ios::trunc).close();
  EXPECT_EQ(ReadSecret("file:" + path).status().code(), StatusCode::kInvalid);
  std::filesystem::remove(path);
  EXPECT_EQ(ReadSecret("file:" + path).status().code(), StatusCode::kIo);

  const Variable secret("REDTHREAD_TEST_SECRET", "s3cret level");
  EXPECT_EQ(*ExpandVariables("a${REDTHREAD_TEST_SECRET}b$${HOME}$"), "as3cret levelb${HOME}$");
  const LoadedConfig loaded = Load("version: 1\nalerts: {min_level: \"${REDTHREAD_TEST_SECRET}\"}\n");
  ASSERT_EQ(loaded.problems.size(), 1u);
  EXPECT_THAT(loaded.problems[0].message, testing::Not(HasSubstr("s3cret")));
  EXPECT_EQ(MaskCredentials("https://user:pass@siem.lan/a@b"), "https://***@siem.lan/a@b");
  EXPECT_EQ(MaskCredentials("https://siem.lan/a@b"), "https://siem.lan/a@b");
}

// ---- the JSON Schema says the same as the reader ----

using Json = nlohmann::json;

Json ToJson(const YamlNode& node) {
  if (node.IsScalar()) {
    const RawValue value = ResolveScalar(node);
    if (value.kind == RawValue::Kind::kNull) return nullptr;
    if (value.kind == RawValue::Kind::kBool) return value.boolean;
    if (value.kind == RawValue::Kind::kNumber) return value.number.integer;
    return node.text;
  }
  Json out = node.IsMap() ? Json::object() : Json::array();
  if (node.IsMap()) {
    for (size_t i = 0; i < node.entries(); ++i) out[node.key(i).text] = ToJson(node.value(i));
  } else {
    for (const YamlNode& item : node.children) out.push_back(ToJson(item));
  }
  return out;
}

bool HasType(const Json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_boolean();
  if (type == "integer") return value.is_number_integer();
  return type == "string" && value.is_string();
}

// The part of JSON Schema that ConfigJsonSchema uses; any other keyword fails the test.
bool Validates(const Json& schema, const Json& value) {
  for (const auto& [keyword, rule] : schema.items()) {
    bool ok = true;
    if (keyword == "type") {
      ok = false;
      for (const Json& t : rule.is_array() ? rule : Json::array({rule})) ok = ok || HasType(value, t);
    } else if (keyword == "const") {
      ok = value == rule;
    } else if (keyword == "enum") {
      ok = std::find(rule.begin(), rule.end(), value) != rule.end();
    } else if (keyword == "pattern") {
      ok = !value.is_string() ||
           std::regex_search(value.get<std::string>(), std::regex(rule.get<std::string>()));
    } else if (keyword == "minLength") {
      ok = !value.is_string() || value.get<std::string>().size() >= rule.get<size_t>();
    } else if (keyword == "minimum") {
      ok = !value.is_number() || value >= rule;
    } else if (keyword == "maximum") {
      ok = !value.is_number() || value <= rule;
    } else if (keyword == "minItems") {
      ok = !value.is_array() || value.size() >= rule.get<size_t>();
    } else if (keyword == "items") {
      for (const Json& v : value.is_array() ? value : Json::array()) ok = ok && Validates(rule, v);
    } else if (keyword == "anyOf" || keyword == "oneOf") {
      int matching = 0;
      for (const Json& s : rule) matching += Validates(s, value) ? 1 : 0;
      ok = keyword == "anyOf" ? matching > 0 : matching == 1;
    } else if (keyword == "required") {
      for (const Json& name : rule)
        ok = ok && (!value.is_object() || value.contains(name.get<std::string>()));
    } else if (keyword == "propertyNames") {
      if (value.is_object()) {
        for (const auto& [name, v] : value.items()) ok = ok && Validates(rule, name);
      }
    } else if (keyword == "properties" || keyword == "additionalProperties") {
      if (!value.is_object()) continue;
      const Json known = schema.value("properties", Json::object());
      for (const auto& [name, v] : value.items()) {
        if (known.contains(name)) {
          ok = ok && Validates(known[name], v);
        } else if (schema.contains("additionalProperties")) {
          const Json& others = schema["additionalProperties"];
          ok = ok && (others.is_boolean() ? others.get<bool>() : Validates(others, v));
        }
      }
    } else if (keyword != "description" && keyword != "default" && keyword != "title" &&
               keyword != "$schema") {
      ADD_FAILURE() << "this test does not know the keyword " << keyword;
    }
    if (!ok) return false;
  }
  return true;
}

bool SchemaAccepts(const char* yaml) {
  const std::vector<YamlDocument> documents = ParseYaml(yaml);
  return documents.size() == 1 && Validates(Json::parse(ConfigJsonSchema()), ToJson(documents[0].root));
}

TEST(JsonSchemaTest, AcceptsAndRefusesWhatTheReaderDoes) {
  for (const char* yaml : kGood) EXPECT_TRUE(SchemaAccepts(yaml)) << yaml;
  for (const BadCase& c : kBad) {
    const std::string problem = c.problem;
    // What a schema cannot know: this version's choices, the environment.
    const bool form_is_good = problem.find("not available") != std::string::npos ||
                              problem.find("environment variable") != std::string::npos ||
                              problem.find("without its `}`") != std::string::npos;
    if (form_is_good) continue;
    EXPECT_FALSE(SchemaAccepts(c.yaml)) << c.yaml;
  }
  EXPECT_TRUE(SchemaAccepts("version: 1\nalerts: {fold: \"${FOLD}\"}\n"));
}

TEST(JsonSchemaTest, PatternsAgreeWithTheParsersOfValues) {
  const SettingType types[] = {SettingType::kAddress, SettingType::kUrl, SettingType::kDuration,
                               SettingType::kSize, SettingType::kPercent};
  const char* texts[] = {"127.0.0.1:5514",
                         "[::1]:514",
                         "a:0",
                         "a:65535",
                         "a:65536",
                         "siem.lan:6514",
                         ":1",
                         "https://a/",
                         "http://a",
                         "ftp://a",
                         "https://",
                         "https:///x",
                         "https://a b",
                         "5m",
                         "90s",
                         "1M",
                         "1y",
                         "m",
                         "5",
                         "5mm",
                         "-5m",
                         "1GiB",
                         "1GB",
                         "1B",
                         "1gib",
                         "GiB",
                         "25%",
                         "100%",
                         "100.0%",
                         "100.5%",
                         "0%",
                         "007%",
                         "1000%",
                         "%",
                         "2.5%"};
  for (SettingType type : types) {
    SettingSpec spec{};
    spec.type = type;
    const std::regex pattern("^(" + PatternOf(type) + ")$");
    for (const char* text : texts) {
      EXPECT_EQ(ValueProblem(spec, text).empty(), std::regex_search(text, pattern)) << text;
    }
  }
}

TEST(ConfigTest, NothingListensBeyondThisMachineUnlessThatIsSaid) {
  const std::string begin = "version: 1\nsources: {net: {type: syslog, listen: \"";
  for (const char* address : {"127.0.0.1:5514", "127.9.9.9:514", "[::1]:5514", "localhost:514"})
    EXPECT_THAT(Rendered(Load(begin + address + "\"}}\n").problems), IsEmpty()) << address;
  for (const char* address : {"0.0.0.0:5514", "[::]:514", "192.0.2.1:514", "logs.lan:514", "[::2]:514"}) {
    EXPECT_THAT(
        Rendered(Load(begin + address + "\"}}\n").problems),
        ElementsAre(HasSubstr("/etc/redthread/c.yml:2:39: `" + std::string(address) + "` can be reached")));
    EXPECT_THAT(Rendered(Load(begin + address + "\", allow_plaintext: true}}\n").problems), IsEmpty());
  }
}

TEST(ConfigTest, HttpBeyondThisMachineNeedsATokenAndTls) {
  const std::string begin = "version: 1\nsources: {push: {type: http, listen: \"";
  const std::string tls = ", tls: {certificate: c.pem, key: k.pem}";
  const std::string token = ", tokens: {office: 0123456789abcdef}";
  const struct {
    std::string rest;
    const char* problem;  // null: none
  } cases[] = {
      {"127.0.0.1:8088\"", nullptr},
      {"[::1]:8088\"" + tls, nullptr},
      {"0.0.0.0:8088\"", "say who may send"},
      {"0.0.0.0:8088\"" + tls, "say who may send"},
      {"0.0.0.0:8088\", allow_plaintext: true", "say who may send"},
      {"0.0.0.0:8088\"" + token, "without TLS"},
      {"0.0.0.0:8088\", allow_plaintext: true" + token, nullptr},
      {"0.0.0.0:8088\"" + tls + token, nullptr},
      {"127.0.0.1:8088\", tls: {certificate: c.pem}", "TLS needs `tls: {certificate: ..., key: ...}`"},
      {"127.0.0.1:8088\", tls: {client_ca: ca.pem}", "TLS needs"},
      {"127.0.0.1:8088\", tokens: {office: short}", "the secret of `office` can be guessed"},
      {"127.0.0.1:8088\", tokens: {a.b: 0123456789abcdef}", "a name has letters"},
      {"127.0.0.1:8088\", tokens: 0123456789abcdef", "needs `name: secret` lines below it"},
      {"127.0.0.1:8088\", tokens: {office: \"${REDTHREAD_TEST_UNSET}\"}", "REDTHREAD_TEST_UNSET` is not set"},
      {"127.0.0.1:8088\", max_body: 1GiB", "write a size from 1KiB to 64MiB"},
      {"127.0.0.1:8088\", max_unpacked: 1GiB", "write a size from 1KiB to 256MiB"},
      {"127.0.0.1:8088\", protocols: [hec, syslog]", "is not one of hec, bulk, otlp and ndjson"},
  };
  for (const auto& c : cases) {
    const std::vector<std::string> problems = Rendered(Load(begin + c.rest + "}}\n").problems);
    if (c.problem == nullptr) {
      EXPECT_THAT(problems, IsEmpty()) << c.rest;
    } else {
      EXPECT_THAT(problems, ElementsAre(HasSubstr(c.problem))) << c.rest;
    }
  }
}

TEST(ConfigTest, AnHttpSourceHasWhatTheFileSays) {
  const LoadedConfig loaded = Load(
      "version: 1\nsources: {push: {type: http, listen: \"127.0.0.1:8088\", protocols: [hec, ndjson], "
      "tokens: {office: 0123456789abcdef, dmz: \"a=b:c d e f g h i\"}, allow: 10.0.0.0/8, max_body: 1MiB, "
      "max_unpacked: 2MiB, max_connections: 5, logsource: {product: windows}}}\n"
      "correlate: {idle_after: {http: 3m}}\n");
  ASSERT_THAT(Rendered(loaded.problems), IsEmpty());
  EXPECT_THAT(loaded.warnings, IsEmpty());
  ASSERT_EQ(loaded.config.http_sources.size(), 1u);
  const HttpSourceConfig& source = loaded.config.http_sources[0];
  EXPECT_EQ(source.name, "push");
  EXPECT_EQ(source.address, "127.0.0.1:8088");
  EXPECT_TRUE(source.hec && source.ndjson && !source.bulk && !source.otlp);
  EXPECT_EQ(source.tokens, (std::vector<std::pair<std::string, std::string>>{{"office", "0123456789abcdef"},
                                                                             {"dmz", "a=b:c d e f g h i"}}));
  EXPECT_FALSE(source.tls.has_value());
  EXPECT_EQ(source.allowed.size(), 1u);
  EXPECT_EQ(source.max_body_bytes, size_t{1} << 20);
  EXPECT_EQ(source.max_unpacked_bytes, size_t{2} << 20);
  EXPECT_EQ(source.max_connections, 5u);
  EXPECT_EQ(loaded.config.http_idle_after, std::chrono::minutes(3));
}

TEST(ConfigTest, TlsNeedsACertificateAndBeyondThisMachineToKnowWhoSends) {
  const std::string begin = "version: 1\nsources: {net: {type: syslog, listen: \"";
  const std::string tls = ", tls: {certificate: c.pem, key: k.pem";
  const struct {
    std::string rest;
    const char* problem;  // null: none
  } cases[] = {
      {"127.0.0.1:6514\", protocols: tls" + tls + "}", nullptr},
      {"127.0.0.1:6514\", protocols: [udp, tls]" + tls + "}", nullptr},
      {"0.0.0.0:6514\", protocols: tls" + tls + ", client_ca: ca.pem}", nullptr},
      {"0.0.0.0:6514\", protocols: tls, allow: 10.0.0.0/8" + tls + "}", nullptr},
      {"0.0.0.0:6514\", protocols: tls" + tls + "}", "say who may send"},
      {"0.0.0.0:6514\", protocols: [udp, tls]" + tls + ", client_ca: ca.pem}", "neither encrypted"},
      {"127.0.0.1:6514\", protocols: [tcp, tls]" + tls + "}", "cannot share a port"},
      {"127.0.0.1:6514\", protocols: tls", "needs `tls: {certificate: ..., key: ...}`"},
  };
  for (const auto& c : cases) {
    const std::vector<std::string> problems = Rendered(Load(begin + c.rest + "}}\n").problems);
    if (c.problem == nullptr) {
      EXPECT_THAT(problems, IsEmpty()) << c.rest;
    } else {
      EXPECT_THAT(problems, ElementsAre(HasSubstr(c.problem))) << c.rest;
    }
  }
  const LoadedConfig loaded = Load(begin + "[::1]:1\", protocols: tls" + tls + "}}}\n");
  EXPECT_EQ(loaded.config.syslog_sources.at(0).tls->certificate, "/etc/redthread/c.pem");
  EXPECT_FALSE(loaded.config.syslog_sources.at(0).udp);
}

TEST(ConfigTest, AMessageSizeMustBeOneThatCanBeHeld) {
  const std::string begin = "version: 1\nsources: {net: {type: syslog, listen: \"[::1]:514\", max_message: ";
  EXPECT_THAT(Rendered(Load(begin + "16MiB}}\n").problems), IsEmpty());
  for (const char* size : {"100B", "1GiB"})
    EXPECT_THAT(Rendered(Load(begin + size + "}}\n").problems),
                ElementsAre(HasSubstr("write a size from 480B to 16MiB")));
}

TEST(ConfigTest, PropertiesOfKafkaArePassedOnAndCheckedByTheLibrary) {
  setenv("KAFKA_PASSWORD", "s3cret", 1);
  const std::string begin =
      "version: 1\nsources:\n  k: {type: kafka, brokers: [\"a:9092\", \"b:9092\"], topics: ";
  const LoadedConfig loaded =
      Load(begin +
           "[logs, ^win-], settings: {security.protocol: sasl_plaintext, sasl.mechanism: PLAIN, "
           "sasl.username: me, sasl.password: \"${KAFKA_PASSWORD}\", fetch.min.bytes: 7}}\n");
  ASSERT_THAT(Rendered(loaded.problems), IsEmpty());
  const KafkaSourceConfig& source = loaded.config.kafka_sources.at(0);
  EXPECT_THAT(source.settings.brokers, ElementsAre("a:9092", "b:9092"));
  EXPECT_EQ(source.settings.group, "redthread");
  EXPECT_EQ(source.settings.properties.at(3), std::pair(std::string("sasl.password"), std::string("s3cret")));
  EXPECT_EQ(source.settings.properties.at(4).second, "7");
  const struct {
    const char* rest;
    const char* problem;
  } cases[] = {
      {"[a b]}", "`a b` is no topic"},
      {"[\"^(\"]}", "no regular expression"},
      {"[a], settings: {fetch.min.byte: 1}}", "fetch.min.byte"},
      {"[a], settings: {fetch.min.bytes: lots}}", "fetch.min.bytes"},
      {"[a], settings: {enable.auto.commit: true}}", "not yours to set"},
      {"[a], settings: {fetch.min.bytes: [1]}}", "takes one value"},
      {"[a], settings: fast}", "needs `property: value` lines"},
      {"[a], settings: {sasl.password: \"file:/no/such\"}}", "cannot read the secret"},
      {"[a], settings: {security.protocol: sasl_plaintext, sasl.mechanism: PLAIN}}", "sasl.username"},
      {"[a], max_record: 1B}", "write a size"},
  };
  for (const auto& c : cases)
    EXPECT_THAT(Rendered(Load(begin + c.rest + "\n").problems), ElementsAre(HasSubstr(c.problem))) << c.rest;
}

// ---- workers that share the work ----

constexpr char kWorkers[] = "version: 1\nkafka: {brokers: [\"a:9092\"]";

TEST(PipelineConfigTest, ItHasDefaultsAndSourcesTakeItsBrokers) {
  const LoadedConfig loaded =
      Load(std::string(kWorkers) +
           ", settings: {client.rack: r1}, instance: w1, group: rt, match_partitions: 24}\n"
           "correlate: {time_zone: UTC}\nsources:\n"
           "  a: {type: kafka, topics: [logs]}\n"
           "  b: {type: kafka, topics: [others], settings: {client.rack: r2}}\n"
           "  c: {type: kafka, topics: [others], brokers: [\"b:9092\"]}\n");
  ASSERT_THAT(Rendered(loaded.problems), IsEmpty());
  EXPECT_THAT(Rendered(loaded.warnings), IsEmpty());
  const PipelineConfig& pipeline = *loaded.config.pipeline;
  EXPECT_THAT(pipeline.settings.brokers, ElementsAre("a:9092"));
  EXPECT_EQ(pipeline.DetectGroup("logs"), "rt-detect-logs");
  EXPECT_EQ(pipeline.CorrelateGroup(), "rt-correlate");
  EXPECT_EQ(pipeline.instance, "w1");
  EXPECT_EQ(pipeline.match_partitions, 24);
  EXPECT_EQ(pipeline.matches, "redthread.matches");
  EXPECT_EQ(pipeline.alerts, "redthread.alerts");
  EXPECT_EQ(pipeline.control, "redthread.control");
  using Properties = std::vector<std::pair<std::string, std::string>>;
  const std::vector<KafkaSourceConfig>& sources = loaded.config.kafka_sources;
  EXPECT_THAT(sources.at(0).settings.brokers, ElementsAre("a:9092"));
  EXPECT_EQ(sources[0].settings.properties, (Properties{{"client.rack", "r1"}}));
  EXPECT_THAT(sources.at(1).settings.brokers, ElementsAre("a:9092"));
  EXPECT_EQ(sources[1].settings.properties, (Properties{{"client.rack", "r2"}}));
  EXPECT_THAT(sources.at(2).settings.brokers, ElementsAre("b:9092"));
  EXPECT_THAT(sources[2].settings.properties, IsEmpty()) << "those of another cluster are not its own";
}

TEST(PipelineConfigTest, WithoutTheSectionThereIsNoneAndNoneOfItsDefaults) {
  for (const char* yaml : {"version: 1\n", "version: 1\nkafka:\n"}) {
    const LoadedConfig loaded = Load(yaml);
    EXPECT_THAT(Rendered(loaded.problems), IsEmpty());
    EXPECT_FALSE(loaded.config.pipeline.has_value());
    EXPECT_EQ(FindSetting(loaded.settings, "kafka.group"), nullptr);
  }
}

TEST(PipelineConfigTest, WhatCannotWorkIsRefusedAndSaysWhatToWrite) {
  const std::string source = "sources:\n  logs: {type: kafka, topics: [logs]}\n";
  const struct {
    std::string yaml;
    const char* problem;
  } cases[] = {
      {"version: 1\nkafka: {group: a}\n", "`brokers` is missing (brokers to begin with)"},
      {"version: 1\n" + source, "c.yml:3:31: `brokers` is missing (brokers to begin with)"},
      {std::string(kWorkers) + "}\nsources: {a: {type: file, path: x}}\n",
       "c.yml:3:33: `sources.a` is of type file: with `kafka:` only topics are read; have a shipper send it "
       "to a "
       "topic and read that, or leave `kafka:` out"},
      {std::string(kWorkers) + "}\nsources: {a: {type: syslog, listen: \"127.0.0.1:5514\"}}\n",
       "`sources.a` is of type syslog"},
      {std::string(kWorkers) + ", topics: {incidents: i}}\n",
       "`kafka.topics.incidents` is not available in this version"},
      {std::string(kWorkers) + ", topics: {alerts: redthread.incidents}}\n", "is kept for incidents"},
      {std::string(kWorkers) + ", topics: {matches: same, alerts: same}}\n",
       "`same` is the topic of both alerts and matches"},
      {std::string(kWorkers) + ", topics: {matches: ^m}}\n", "`^m` is a pattern"},
      {std::string(kWorkers) + ", topics: {matches: m m}}\n", "`m m` is no topic"},
      {std::string(kWorkers) + "}\nsources: {a: {type: kafka, topics: [^redthread\\.al]}}\n",
       "c.yml:3:36: this names `redthread.alerts` too, the topic of our own alerts"},
      {std::string(kWorkers) + ", match_partitions: 0}\n", "write a whole number"},
      {std::string(kWorkers) + ", match_partitions: 20000}\n", "write a number up to 10000"},
      {std::string(kWorkers) + ", settings: {sasl.mechanism: PLAIN, security.protocol: sasl_plaintext}}\n",
       "sasl.username"},
      {std::string(kWorkers) + ", settings: {enable.auto.commit: true}}\n", "not yours to set"},
      {std::string(kWorkers) + ", instance: \"${NO_SUCH_VARIABLE}\"}\n", "`NO_SUCH_VARIABLE` is not set"},
  };
  for (const auto& c : cases)
    EXPECT_THAT(Rendered(Load(c.yaml).problems), ElementsAre(HasSubstr(c.problem))) << c.yaml;
}

TEST(PipelineConfigTest, AGroupOfASourceAndAZoneThatDiffersByHostAreWarnedOf) {
  const LoadedConfig loaded =
      Load(std::string(kWorkers) + "}\nsources: {a: {type: kafka, topics: [logs], group: mine}}\n");
  EXPECT_THAT(Rendered(loaded.warnings), ElementsAre(HasSubstr("`sources.a.group` has no effect"),
                                                     HasSubstr("c.yml:2:18: the time zone is local")));
}

TEST(RunCommandTest, RolesAreForWorkersThatShareTheWork) {
  const std::string folder = testing::TempDir() + "redthread_roles";
  std::filesystem::create_directory(folder);
  const std::string alone = folder + "/alone.yml", workers = folder + "/workers.yml";
  std::ofstream(alone) << "version: 1\n";
  std::ofstream(workers) << kWorkers << "}\n";
  const struct {
    std::string file, role;
    int exit_code;
    const char* text;
  } cases[] = {
      {alone, "detect", 3, "name the brokers in the configuration, `kafka: {brokers: [HOST:PORT]}`"},
      {alone, "all", 3, "or leave --role out"},
      {alone, "store", 2, "--role: `store` is not available yet"},
      {workers, "forward", 2, "`forward` is not available yet"},
      {workers, "api", 2, "`api` is not available yet; write all, detect or correlate"},
      {workers, "detetc", 2, "`detetc` is not one of all, detect and correlate, did you mean `detect`?"},
      {workers, "detect", 3, "the configuration names no source"},
  };
  for (const auto& c : cases) {
    const BinaryRun run = RunBinary({"run", "--role", c.role, "-c", c.file});
    EXPECT_EQ(run.exit_code, c.exit_code) << c.role;
    EXPECT_THAT(run.err, HasSubstr(c.text));
  }
  std::filesystem::remove_all(folder);
}

// ---- the command ----

TEST(ConfigTest, AJournalNeedsNoSettings) {
  const LoadedConfig loaded = Load(
      "version: 1\nsources:\n  a: {type: journal}\n  b: {type: journal, logsource: {product: linux}}\n"
      "  c: {type: journal, path: /mnt/journal/}\n");
  EXPECT_THAT(Rendered(loaded.problems), IsEmpty());
  ASSERT_EQ(loaded.config.journal_sources.size(), 3u);
  EXPECT_THAT(loaded.config.journal_sources[0].folders, ElementsAre("/var/log/journal", "/run/log/journal"));
  EXPECT_THAT(loaded.config.journal_sources[1].folders, ElementsAre("/var/log/journal", "/run/log/journal"));
  EXPECT_THAT(loaded.config.journal_sources[1].log_source.products, ElementsAre("linux"));
  EXPECT_THAT(loaded.config.journal_sources[2].folders, ElementsAre("/mnt/journal"));
}

TEST(ConfigCommandTest, TheSampleIsAcceptedAsItIsAndWithEverySettingUncommented) {
  EXPECT_THAT(Rendered(Load(SampleConfig()).problems), IsEmpty());
  EXPECT_THAT(Rendered(Load(SampleConfig()).warnings), IsEmpty());
  setenv("OFFICE_TOKEN", "0123456789abcdef", 1);
  const std::string whole = std::regex_replace(SampleConfig(), std::regex("#([a-z])"), "$1");
  // Of alternatives one has to go: workers read topics alone.
  EXPECT_THAT(Rendered(Load(whole).problems),
              ElementsAre(HasSubstr("of type file"), HasSubstr("of type syslog"), HasSubstr("of type http"),
                          HasSubstr("of type journal")));
  EXPECT_TRUE(Load(whole).config.pipeline.has_value());
  const size_t workers = whole.find("\nkafka:\n");
  const std::string uncommented = std::string(whole).erase(workers, whole.find("\nrules:\n") - workers);
  EXPECT_THAT(Rendered(Load(uncommented).problems), IsEmpty()) << uncommented;
  EXPECT_EQ(Load(uncommented).config.file_sources.size(), 1u);
  EXPECT_EQ(Load(uncommented).config.syslog_sources.size(), 1u);
  EXPECT_EQ(Load(uncommented).config.http_sources.size(), 1u);
  EXPECT_EQ(Load(uncommented).config.journal_sources.size(), 1u);
  EXPECT_EQ(Load(uncommented).config.kafka_sources.size(), 1u);
}

TEST(ConfigCommandTest, InitWritesOnceAndCheckSaysWhatIsWrongWithExitCodeThree) {
  const std::string folder = testing::TempDir() + "redthread_config_command";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directory(folder);
  const std::string file = folder + "/c.yml";
  EXPECT_EQ(RunBinary({"config", "check", "-c", file}).exit_code, 3);
  EXPECT_EQ(RunBinary({"config", "init", "-c", file}).exit_code, 0);
  EXPECT_EQ(RunBinary({"config", "check", "-c", file}).exit_code, 0);
  const BinaryRun again = RunBinary({"config", "init", "-c", file});
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_EQ(again.err,
            "redthread: cannot create " + file + ": it is there already, and is never overwritten\n");

  std::ofstream(file) << "version: 1\nsources:\n  a: {type: file, pth: x}\n";
  const BinaryRun bad = RunBinary({"config", "check", "-c", file});
  EXPECT_EQ(bad.exit_code, 3);
  EXPECT_EQ(bad.err, file + ":3:19: unknown key `pth`, did you mean `path`?\n" + file +
                         ":3:6: `path` is missing (files, folders and globs), add `path: ...`\nredthread: " +
                         file + ": 2 problems\n");
  std::filesystem::remove_all(folder);
}

TEST(ConfigCommandTest, ShowSaysWhereEachValueComesFromAndHidesWhatVariablesHold) {
  const std::string file = testing::TempDir() + "redthread_show.yml";
  std::ofstream(file) << "version: 1\ndata_dir: /x/${SECRET_PART}\nsources: {push: {type: http, listen: "
                         "\"127.0.0.1:8088\", tokens: {office: 0123456789s3cret}}}\n";
  const BinaryRun run =
      RunBinary({"config", "show", "-c", file}, {"SECRET_PART=s3cret", "REDTHREAD_ALERTS_FOLD=2h"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, testing::Not(HasSubstr("s3cret")));
  EXPECT_THAT(run.out,
              HasSubstr("{\"setting\":\"data_dir\",\"value\":\"/x/${SECRET_PART}\",\"origin\":\"file\","
                        "\"place\":\"" +
                        file + ":2:11\"}\n"));
  EXPECT_THAT(run.out, HasSubstr("{\"setting\":\"sources.push.tokens\",\"value\":[\"office=********\"],"));
  EXPECT_THAT(run.out, HasSubstr("{\"setting\":\"alerts.fold\",\"value\":\"2h\",\"origin\":\"variable\","
                                 "\"place\":\"REDTHREAD_ALERTS_FOLD\"}\n"));
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace redthread
