#include "app/kafka_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "app/alert_view.h"
#include "app/config.h"
#include "app/config_command.h"
#include "app/exit_code.h"
#include "app/kafka_reset.h"
#include "app/kafka_topic_check.h"
#include "app/numbers.h"
#include "app/pipeline_topics.h"
#include "app/topics_view.h"
#include "core/text.h"
#include "ingest/kafka_admin.h"
#include "storage/source_registry.h"

namespace redthread {
namespace {

// How to make those topics of a view that are missing.
std::vector<KafkaTopicPlan> PlansOf(const TopicsView& view, const Config& config,
                                    const KafkaInitOptions& options, Nanoseconds retention) {
  const int copies = options.copies > 0 ? options.copies : view.view.brokers >= 3 ? 3 : 1;
  std::vector<KafkaTopicPlan> plans;
  for (const std::string& name : view.view.missing)
    plans.push_back(view.name == kOurs
                        ? PlanPipelineTopic(name, *config.pipeline, copies, config.times.late_horizon)
                        : PlanTopic(name, options.partitions, copies, retention));
  return plans;
}

std::vector<TopicFinding> FindingsOf(const TopicsView& view, const KafkaTopic& topic, const Config& config) {
  if (view.name != kOurs) return CheckTopic(topic, view.view.brokers, config.times.late_horizon);
  return CheckPipelineTopic(topic, view.topics, *config.pipeline, view.view.brokers,
                            config.times.late_horizon);
}

// ---- check

std::string TopicRecord(const TopicsView& view, const KafkaTopic& topic,
                        const std::vector<TopicFinding>& findings) {
  std::string json = R"({"kind":"topic","source":)";
  AppendJsonString(view.name, &json);
  json += R"(,"topic":)";
  AppendJsonString(topic.name, &json);
  json += R"(,"partitions":)" + std::to_string(topic.partitions) + R"(,"copies":)" +
          std::to_string(topic.copies) + R"(,"copies_in_sync":)" + std::to_string(topic.copies_in_sync) +
          R"(,"findings":[)";
  for (size_t i = 0; i < findings.size(); ++i) {
    json += std::string(i == 0 ? "" : ",") + R"({"problem":)" + (findings[i].is_problem ? "true" : "false") +
            R"(,"text":)";
    AppendJsonString(findings[i].text, &json);
    json += "}";
  }
  return json + "]}";
}

// ---- status

// What the database knows of partitions, by identity; nothing yet is nothing.
Result<std::map<std::string, SourceState>> StoredPartitions(const Config& config) {
  std::map<std::string, SourceState> stored;
  Database::Options options;
  options.path = DatabasePath(config.data_dir);
  options.create = false;
  options.read_only = true;
  Result<std::unique_ptr<Database>> database = Database::Open(options);
  if (database.status().code() == StatusCode::kNotFound) return stored;
  if (!database.ok()) return database.status();
  Damage damage;
  const auto add = [&stored](const SourceState& state) {
    stored[state.identity] = state;
    return true;
  };
  RT_RETURN_IF_ERROR(ForEachSource(*(*database)->Snapshot(), add, &damage));
  return damage.rows == 0 ? Result<std::map<std::string, SourceState>>(std::move(stored)) : damage.first;
}

// What workers that share the work read: the same view of sources, and of the topic between them. Positions
// lie with the groups.
std::vector<TopicsView> ViewShared(const Config& config, CommandContext* context, int* exit_code) {
  std::vector<TopicsView> views;
  const auto add = [&](const std::string& name, KafkaSettings settings, const std::string& group,
                       const std::vector<std::string>& topics) {
    settings.group = group;
    Result<TopicsView> view = ViewOf(name, settings, topics, false);
    if (view.ok()) {
      view->group = group;
      views.push_back(std::move(*view));
    } else {
      *exit_code = Fail(view.status(), context);
    }
  };
  const PipelineConfig& pipeline = *config.pipeline;
  for (const KafkaSourceConfig& source : config.kafka_sources)
    add(source.name, source.settings, pipeline.DetectGroup(source.name), source.topics);
  add(kOurs, pipeline.settings, pipeline.CorrelateGroup(), {pipeline.matches});
  return views;
}

// A word of a note beside a position: "awaits=logs/3".
std::string WordIn(const std::string& note, const std::string& name) {
  const size_t at = (" " + note).find(" " + name + "=");
  if (at == std::string::npos) return "";
  const size_t begin = at + name.size() + 1;
  return note.substr(begin, note.find(' ', begin) - begin);
}

// What a position says of time: of a raw partition the time seen, of one of matches how far was judged.
std::optional<Timestamp> WatermarkIn(const std::string& note) {
  for (const char* name : {"watermark", "seen"}) {
    const std::string word = WordIn(note, name);
    Timestamp time;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), time.ns);
    if (!word.empty() && error == std::errc() && end == word.data() + word.size()) return time;
  }
  return std::nullopt;
}

// How far the group of each view has read, by identity, as far as the database would know it; `path` is the
// raw partition that a partition of matches waits for.
Result<std::map<std::string, SourceState>> GroupPositions(const std::vector<TopicsView>& views) {
  std::map<std::string, SourceState> positions;
  for (const TopicsView& view : views) {
    std::vector<KafkaPartition> partitions;
    for (const KafkaOffsets& offsets : view.view.unread) partitions.push_back(offsets.partition);
    if (partitions.empty()) continue;
    const auto told = view.admin->ToldPositions(partitions);
    if (!told.ok()) return told.status();
    for (const auto& [partition, position] : *told) {
      SourceState& state = positions[KafkaIdentity{view.view.cluster, partition}.Encode()];
      state.next_index = static_cast<uint64_t>(position.next_offset);
      state.watermark = WatermarkIn(position.note);
      state.path = WordIn(position.note, "awaits");
    }
  }
  return positions;
}

struct PartitionStatus {
  const char* state = "unread";
  uint64_t read = 0;  // the offset of the next record
  uint64_t lag = 0;   // records that are there and not read
  std::optional<Timestamp> watermark;
  std::optional<Timestamp> heard;
  std::string awaits;  // of a partition of matches: what holds its watermark
  std::string owner;   // the worker that reads it
};

PartitionStatus StatusOf(const KafkaOffsets& offsets, const SourceState* state) {
  const auto low = static_cast<uint64_t>(offsets.low), high = static_cast<uint64_t>(offsets.high);
  PartitionStatus status;
  if (state == nullptr || state->next_index == 0) {
    status.lag = high - low;
    return status;
  }
  status.read = state->next_index;
  status.watermark = state->watermark;
  status.heard = state->last_heard;
  status.lag = high - std::clamp(status.read, low, high);
  status.state = status.read > high  ? "made again?"
                 : status.read < low ? "records lost"
                 : status.lag == 0   ? "at its end"
                                     : "behind";
  return status;
}

std::string TimeOr(const std::optional<Timestamp>& time, const char* otherwise) {
  return time.has_value() ? FormatTimestamp(*time) : otherwise;
}

void AddStatus(const TopicsView& view, const KafkaOffsets& offsets, const PartitionStatus& status,
               ResultWriter* writer) {
  const std::string path = offsets.partition.Path();
  if (writer->wants_rows()) {
    writer->AddRow({{view.name},
                    {path},
                    {WithThousands(static_cast<uint64_t>(offsets.low))},
                    {WithThousands(static_cast<uint64_t>(offsets.high))},
                    {WithThousands(status.read)},
                    {WithThousands(status.lag)},
                    {TimeOr(status.watermark, "-")},
                    {TimeOr(status.heard, "-")},
                    {status.owner.empty() ? "-" : status.owner},
                    {status.awaits.empty() ? status.state : status.state + (", awaits " + status.awaits)}});
    return;
  }
  std::string json = R"({"kind":"partition","source":)";
  AppendJsonString(view.name, &json);
  json += R"(,"partition":)";
  AppendJsonString(path, &json);
  json += R"(,"first":)" + std::to_string(offsets.low) + R"(,"end":)" + std::to_string(offsets.high) +
          R"(,"read":)" + std::to_string(status.read) + R"(,"lag":)" + std::to_string(status.lag);
  if (status.watermark.has_value()) json += R"(,"watermark":")" + FormatTimestamp(*status.watermark) + "\"";
  if (status.heard.has_value()) json += R"(,"heard":")" + FormatTimestamp(*status.heard) + "\"";
  for (const auto& [key, value] : {std::pair("owner", &status.owner), {"awaits", &status.awaits}}) {
    if (value->empty()) continue;
    json += std::string(",\"") + key + "\":";
    AppendJsonString(*value, &json);
  }
  writer->AddRecord(json + R"(,"state":")" + status.state + "\"}");
}

void AddInit(CLI::App* kafka, CommandTree* tree) {
  auto options = std::make_shared<KafkaInitOptions>();
  CLI::App* app = tree->Add(kafka,
                            {"init",
                             "make the topics that the configuration names and that are not there",
                             {"redthread kafka init                       12 partitions, 7 days",
                              "redthread kafka init --partitions 24 --retention 14d"}},
                            [options](CommandContext* c) { return RunKafkaInit(*options, c); });
  app->add_option("--partitions", options->partitions, "of each topic [12]")
      ->type_name("N")
      ->check(CLI::Range(1, 10'000));
  app->add_option("--copies", options->copies, "replication factor [3 where there are three brokers, else 1]")
      ->type_name("N")
      ->check(CLI::Range(1, 99));
  app->add_option("--retention", options->retention, "how long records stay [7d]")->type_name("TIME");
}

}  // namespace

void AddKafkaCommand(CommandTree* tree) {
  CLI::App* kafka =
      tree->Add(tree->root(), {"kafka",
                               "the topics that the configuration names: make, check, how far they are read",
                               {"redthread kafka check     whether brokers answer and topics are set up well",
                                "redthread kafka status    lag and watermark of each partition"}});
  AddInit(kafka, tree);
  tree->Add(kafka,
            {"check",
             "whether brokers answer and topics are set up so that nothing is lost; exit code 0, 3 or 4",
             {"redthread kafka check              all topics, those of sources and our own",
              "redthread kafka check -o jsonl     for a script"}},
            RunKafkaCheck);
  tree->Add(kafka,
            {"status",
             "how far each partition has been read, and what holds the watermark back",
             {"redthread kafka status              also while redthread runs",
              "redthread kafka status -o jsonl | jq 'select(.lag > 0)'"}},
            RunKafkaStatus);
  AddKafkaReset(kafka, tree);
}

int RunKafkaInit(const KafkaInitOptions& options, CommandContext* context) {
  const std::optional<Nanoseconds> retention = ParseTimespan(options.retention);
  if (!retention.has_value()) {
    context->messages->Error("--retention: `" + options.retention + "` is no time, write one such as 7d");
    return kExitUsage;
  }
  int exit_code = kExitDone;
  const std::optional<LoadedConfig> loaded = LoadWithTopics(context, &exit_code);
  if (!loaded.has_value()) return exit_code;
  for (const TopicsView& view : ViewAll(loaded->config, true, false, context, &exit_code)) {
    const std::vector<KafkaTopicPlan> plans = PlansOf(view, loaded->config, options, *retention);
    if (const Status made = view.admin->Create(plans); !made.ok()) {
      exit_code = Fail(made, context);
      continue;
    }
    for (const KafkaTopicPlan& plan : plans)
      context->messages->Count("made topic " + plan.name + ": " +
                               Counted(static_cast<uint64_t>(plan.partitions), "partition") + ", " +
                               Counted(static_cast<uint64_t>(plan.copies), "copy", "copies"));
    if (plans.empty())
      context->messages->Count(Named(view.name) +
                               ": all its topics are there; `redthread kafka check` looks at them");
  }
  return exit_code;
}

int RunKafkaCheck(CommandContext* context) {
  int exit_code = kExitDone;
  const std::optional<LoadedConfig> loaded = LoadWithTopics(context, &exit_code);
  if (!loaded.has_value()) return exit_code;
  ResultWriter writer(
      context->options.output, context->out, stdout,
      {{"SOURCE"}, {"TOPIC"}, {"PARTITIONS", true}, {"COPIES", true}, {"FINDING", false, true}});
  bool any_problem = false;
  for (const TopicsView& view : ViewAll(loaded->config, true, true, context, &exit_code)) {
    for (const std::string& topic : view.view.missing) {
      context->messages->Error(Named(view.name) + ": there is no topic `" + topic +
                               "`; `redthread kafka init` makes it");
      any_problem = true;
    }
    for (const KafkaTopic& topic : view.topics) {
      const std::vector<TopicFinding> findings = FindingsOf(view, topic, loaded->config);
      for (const TopicFinding& finding : findings) any_problem |= finding.is_problem;
      if (!writer.wants_rows()) {
        writer.AddRecord(TopicRecord(view, topic, findings));
        continue;
      }
      const auto add = [&](const std::string& text, Style style) {
        writer.AddRow({{view.name},
                       {topic.name},
                       {std::to_string(topic.partitions)},
                       {std::to_string(topic.copies)},
                       {text, style}});
      };
      if (findings.empty()) add("good", Style::kDim);
      for (const TopicFinding& finding : findings)
        add(finding.text, finding.is_problem ? Style::kBold : Style::kPlain);
    }
  }
  if (const Status status = writer.Finish(); !status.ok()) return Fail(status, context);
  if (exit_code == kExitDone && any_problem) exit_code = kExitConfig;
  return exit_code;
}

int RunKafkaStatus(CommandContext* context) {
  int exit_code = kExitDone;
  const std::optional<LoadedConfig> loaded = LoadWithTopics(context, &exit_code);
  if (!loaded.has_value()) return exit_code;
  const bool shared = loaded->config.pipeline.has_value();
  const std::vector<TopicsView> views = shared ? ViewShared(loaded->config, context, &exit_code)
                                               : ViewAll(loaded->config, false, false, context, &exit_code);
  // After the brokers were asked: what was read meanwhile is not taken for missing.
  const auto stored = shared ? GroupPositions(views) : StoredPartitions(loaded->config);
  if (!stored.ok()) return Fail(stored.status(), context);
  ResultWriter writer(context->options.output, context->out, stdout,
                      {{"SOURCE"},
                       {"PARTITION"},
                       {"FIRST", true},
                       {"END", true},
                       {"READ", true},
                       {"LAG", true},
                       {"WATERMARK"},
                       {"HEARD"},
                       {"OWNER"},
                       {"STATE"}});
  uint64_t lag = 0;
  std::string holder;
  std::optional<Timestamp> held;
  for (const TopicsView& view : views) {
    std::map<KafkaPartition, std::string> owners;
    if (!view.group.empty()) {
      Result<std::map<KafkaPartition, std::string>> asked = view.admin->Owners(view.group);
      if (!asked.ok()) return Fail(asked.status(), context);
      owners = std::move(*asked);
    }
    for (const KafkaOffsets& offsets : view.view.unread) {
      const auto found = stored->find(KafkaIdentity{view.view.cluster, offsets.partition}.Encode());
      PartitionStatus status = StatusOf(offsets, found == stored->end() ? nullptr : &found->second);
      if (shared && found != stored->end()) status.awaits = found->second.path;
      if (const auto owner = owners.find(offsets.partition); owner != owners.end())
        status.owner = owner->second;
      AddStatus(view, offsets, status, &writer);
      lag += status.lag;
      const Timestamp mark = status.watermark.value_or(Timestamp::Min());
      if (shared || status.lag == 0 || (held.has_value() && *held <= mark)) continue;
      held = mark;
      holder = offsets.partition.Path();
    }
  }
  if (const Status status = writer.Finish(); !status.ok()) return Fail(status, context);
  context->messages->Count(
      Counted(lag, "record") + " to be read" +
      (holder.empty() ? "" : "; of the partitions, " + holder + " holds the watermark back"));
  return exit_code;
}

}  // namespace redthread
