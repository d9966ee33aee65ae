#include "app/pipeline_config.h"

#include <string_view>
#include <utility>

#include "app/config_value.h"
#include "ingest/socket_address.h"

namespace redthread {
namespace {

std::vector<std::string> Values(const std::vector<Setting>& settings, const std::string& path) {
  const Setting* setting = FindSetting(settings, path);
  return setting == nullptr ? std::vector<std::string>() : setting->values;
}

std::string Value(const std::vector<Setting>& settings, const std::string& path) {
  const std::vector<std::string> values = Values(settings, path);
  return values.empty() ? "" : values[0];
}

// Adds a problem where one of these settings stands, the first that was written.
void AddProblem(const std::vector<std::string>& paths, const std::string& problem, LoadedConfig* loaded) {
  std::string place;
  for (const std::string& path : paths) {
    const Setting* setting = FindSetting(loaded->settings, path);
    if (place.empty() && setting != nullptr) place = setting->place;
  }
  loaded->problems.push_back({place, 0, 0, problem});
}

// The name of a topic of ours is no pattern, and nobody else's.
std::string TopicProblem(const std::string& name) {
  constexpr std::string_view kIncidents = "redthread.incidents";
  if (name == kIncidents)
    return "the topic `" + name + "` is kept for incidents, which are not available yet";
  const Result<TopicFilter> filter = TopicFilter::Of({name});
  if (!filter.ok()) return filter.status().message();
  return filter->names().empty() ? "`" + name + "` is a pattern, write the name of one topic" : "";
}

// What is read and what is written must be different topics: else it would go in circles.
void CheckDifferent(LoadedConfig* loaded) {
  const PipelineConfig& pipeline = *loaded->config.pipeline;
  const std::pair<const char*, const std::string*> topics[] = {
      {"matches", &pipeline.matches}, {"alerts", &pipeline.alerts}, {"control", &pipeline.control}};
  for (const auto& [name, topic] : topics) {
    const std::string path = std::string("kafka.topics.") + name;
    if (const std::string problem = TopicProblem(*topic); !problem.empty())
      AddProblem({path, "kafka.brokers"}, problem, loaded);
    for (const auto& [other, its_topic] : topics) {
      if (std::string_view(other) > name && *its_topic == *topic)
        AddProblem({path, "kafka.brokers"},
                   "`" + *topic + "` is the topic of both " + name + " and " + other + ", give each its own",
                   loaded);
    }
    for (const KafkaSourceConfig& source : loaded->config.kafka_sources) {
      const Result<TopicFilter> filter = TopicFilter::Of(source.topics);
      if (filter.ok() && filter->Matches(*topic))
        AddProblem({"sources." + source.name + ".topics"},
                   "this names `" + *topic + "` too, the topic of our own " + name + "; leave it out",
                   loaded);
    }
  }
}

void CheckSources(LoadedConfig* loaded) {
  const auto refuse = [loaded](const std::string& name, const char* type, const char* setting) {
    AddProblem(
        {"sources." + name + setting},
        "`sources." + name + "` is of type " + type +
            ": with `kafka:` only topics are read; have a shipper send it to a topic and read that, or "
            "leave `kafka:` out",
        loaded);
  };
  for (const FileSourceConfig& source : loaded->config.file_sources) refuse(source.name, "file", ".path");
  for (const SyslogSourceConfig& source : loaded->config.syslog_sources)
    refuse(source.name, "syslog", ".listen");
  for (const HttpSourceConfig& source : loaded->config.http_sources) refuse(source.name, "http", ".listen");
  for (const JournalSourceConfig& source : loaded->config.journal_sources)
    refuse(source.name, "journal", ".path");
  bool local = false;
  for (const KafkaSourceConfig& source : loaded->config.kafka_sources) {
    local |= source.time_zone == "local";
    const Setting* group = FindSetting(loaded->settings, "sources." + source.name + ".group");
    if (group != nullptr && group->origin != Origin::kDefault)
      loaded->warnings.push_back(
          {group->place, 0, 0, "`" + group->path + "` has no effect with `kafka:`, whose group counts"});
  }
  if (local)
    loaded->warnings.push_back({FindSetting(loaded->settings, "kafka.brokers")->place, 0, 0,
                                "the time zone is local: each worker would read times that say none in its "
                                "own host's; name it, as in "
                                "`correlate: {time_zone: Europe/Berlin}`"});
}

}  // namespace

KafkaSettings KafkaSettingsOf(const std::vector<Setting>& settings, const std::string& entry) {
  KafkaSettings kafka{Values(settings, entry + ".brokers"), Value(settings, entry + ".group"), {}};
  for (const std::string& property : Values(settings, entry + ".settings")) {
    const size_t equals = property.find('=');
    kafka.properties.emplace_back(property.substr(0, equals), property.substr(equals + 1));
  }
  return kafka;
}

std::optional<PipelineConfig> PipelineOf(const std::vector<Setting>& settings) {
  if (FindSetting(settings, "kafka.brokers") == nullptr) return std::nullopt;
  PipelineConfig pipeline;
  pipeline.settings = KafkaSettingsOf(settings, "kafka");
  pipeline.instance = Value(settings, "kafka.instance");
  pipeline.match_partitions =
      static_cast<int>(ParseCount(Value(settings, "kafka.match_partitions")).value_or(0));
  pipeline.matches = Value(settings, "kafka.topics.matches");
  pipeline.alerts = Value(settings, "kafka.topics.alerts");
  pipeline.control = Value(settings, "kafka.topics.control");
  pipeline.metrics_address = Value(settings, "api.listen");
  return pipeline;
}

bool IsPipelineSetting(const SettingSpec& spec) {
  const std::string_view section = spec.section;
  return section == "kafka" || section == "kafka.topics";
}

void CheckPipeline(LoadedConfig* loaded) {
  const std::string listens = Value(loaded->settings, "api.listen");
  if (!loaded->config.pipeline.has_value()) {
    if (!listens.empty())
      loaded->warnings.push_back(
          {FindSetting(loaded->settings, "api.listen")->place, 0, 0,
           "`api.listen` has no effect without `kafka:`: only workers tell metrics so far"});
    return;
  }
  if (!listens.empty() && !IsLoopback(listens))
    AddProblem(
        {"api.listen"},
        "`" + listens +
            "` can be reached from other machines, for which metrics have no TLS and token yet; listen on "
            "127.0.0.1",
        loaded);
  const PipelineConfig& pipeline = *loaded->config.pipeline;
  CheckSources(loaded);
  CheckDifferent(loaded);
  constexpr int kMostPartitions = 10'000;
  if (pipeline.match_partitions > kMostPartitions)
    AddProblem({"kafka.match_partitions"},
               "`" + std::to_string(pipeline.match_partitions) + "` is not valid, write a number up to 10000",
               loaded);
  // Of a property that is wrong by itself its place has been told.
  const std::string problem = loaded->problems.empty() ? KafkaSettingsProblem(pipeline.settings) : "";
  if (!problem.empty()) AddProblem({"kafka.settings", "kafka.brokers"}, problem, loaded);
}

}  // namespace redthread
