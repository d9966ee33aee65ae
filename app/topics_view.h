// TopicsView: what the clusters hold of the topics that a configuration names.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/command.h"
#include "app/config.h"
#include "ingest/kafka_admin.h"

namespace redthread {

// Topics that belong together, and what their cluster holds.
struct TopicsView {
  std::string name;  // of the source; of our own topics kOurs
  std::unique_ptr<KafkaAdmin> admin;
  KafkaView view;
  std::vector<KafkaTopic> topics;  // as they are set up; only where that was asked for
  std::string group;               // of workers that read them; empty: none
};
inline constexpr char kOurs[] = "kafka:";  // no source can have that name

// As messages name it.
std::string Named(const std::string& name);

// `described`: with TopicsView::topics. Errors: as KafkaAdmin's, with the name before them.
Result<TopicsView> ViewOf(const std::string& name, const KafkaSettings& settings,
                          const std::vector<std::string>& wanted, bool described);

// The configuration, when it names topics; else tells so and sets the exit code.
std::optional<LoadedConfig> LoadWithTopics(CommandContext* context, int* exit_code);

// Of all sources, and of our own topics where that is asked for; tells what is wrong and sets the exit code
// when one cannot be asked.
std::vector<TopicsView> ViewAll(const Config& config, bool ours, bool described, CommandContext* context,
                                int* exit_code);

}  // namespace redthread
