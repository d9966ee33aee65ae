#include "app/topics_view.h"

#include <utility>

#include "app/config_command.h"
#include "app/exit_code.h"

namespace redthread {
std::string Named(const std::string& name) { return name == kOurs ? "`kafka`" : "source `" + name + "`"; }

Result<TopicsView> ViewOf(const std::string& name, const KafkaSettings& settings,
                          const std::vector<std::string>& wanted, bool described) {
  const auto named = [&](const Status& status) {
    return Status(status.code(), Named(name) + ": " + status.message());
  };
  TopicsView viewed{name, nullptr, {}, {}};
  Result<TopicFilter> topics = TopicFilter::Of(wanted);
  if (!topics.ok()) return named(topics.status());
  Result<std::unique_ptr<KafkaAdmin>> admin = KafkaAdmin::Open(settings);
  if (!admin.ok()) return named(admin.status());
  viewed.admin = std::move(*admin);
  Result<KafkaView> view = viewed.admin->View(*topics);
  if (!view.ok()) return named(view.status());
  viewed.view = std::move(*view);
  if (!described) return viewed;
  std::vector<std::string> names;
  for (const KafkaPartition& p : viewed.view.present) {
    if (names.empty() || names.back() != p.topic) names.push_back(p.topic);
  }
  Result<std::vector<KafkaTopic>> described_topics = viewed.admin->Describe(names);
  if (!described_topics.ok()) return named(described_topics.status());
  viewed.topics = std::move(*described_topics);
  return viewed;
}

std::optional<LoadedConfig> LoadWithTopics(CommandContext* context, int* exit_code) {
  LoadedConfig loaded = LoadConfigFor(context);
  *exit_code = kExitConfig;
  if (!loaded.problems.empty()) return std::nullopt;
  if (loaded.config.kafka_sources.empty() && !loaded.config.pipeline.has_value()) {
    context->messages->Error("the configuration names no source of type kafka; docs/kafka.md shows one");
    return std::nullopt;
  }
  *exit_code = kExitDone;
  return loaded;
}

std::vector<TopicsView> ViewAll(const Config& config, bool ours, bool described, CommandContext* context,
                                int* exit_code) {
  std::vector<TopicsView> views;
  const auto add = [&](Result<TopicsView> view) {
    if (view.ok()) {
      views.push_back(std::move(*view));
    } else {
      *exit_code = Fail(view.status(), context);
    }
  };
  for (const KafkaSourceConfig& source : config.kafka_sources)
    add(ViewOf(source.name, source.settings, source.topics, described));
  if (ours && config.pipeline.has_value()) {
    const PipelineConfig& p = *config.pipeline;
    add(ViewOf(kOurs, p.settings, {p.matches, p.alerts, p.control}, described));
  }
  return views;
}

}  // namespace redthread
