#include "app/kafka_reset.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "app/alert_view.h"
#include "app/exit_code.h"
#include "app/topics_view.h"
#include "runtime/raw_position.h"
#include "storage/source_registry.h"

namespace redthread {
namespace {

std::optional<KafkaPartition> ParsePath(const std::string& text) {
  const size_t slash = text.rfind('/');
  if (slash == std::string::npos || slash == 0) return std::nullopt;
  KafkaPartition partition{text.substr(0, slash), 0};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + slash + 1, end, partition.partition);
  if (error != std::errc() || stop != end || partition.partition < 0) return std::nullopt;
  return partition;
}

// Of a partition: the offset behind what was read, and FingerprintOf the record before it, or 0.
struct ReadTo {
  uint64_t next = 0;
  uint64_t fingerprint = 0;
};

// Why a partition does not go on where reading stopped; "" when it does.
Result<std::string> Breakage(const TopicsView& view, const KafkaOffsets& offsets, const ReadTo& read) {
  const auto next = static_cast<int64_t>(read.next);
  if (next > offsets.high) return std::string("it ends before what was read");
  if (next > 0 && next < offsets.low) return std::string("records were deleted before they were read");
  if (next <= offsets.low || read.fingerprint == 0) return std::string();
  const Result<std::optional<uint64_t>> now = view.admin->FingerprintAt(offsets.partition, next - 1);
  if (!now.ok()) return now.status();
  const bool differs = now->has_value() && **now != read.fingerprint;
  return std::string(differs ? "it holds other records than were read" : "");
}

// Where a partition is to be read from.
struct NewStart {
  uint64_t offset = 0;
  bool is_broken = false;  // it does not go on where reading stopped
};

Result<NewStart> StartOf(const TopicsView& view, const KafkaOffsets& offsets, const ReadTo& read,
                         const KafkaResetOptions& options, Messages* messages) {
  const std::string path = offsets.partition.Path();
  const Result<std::string> why = Breakage(view, offsets, read);
  if (!why.ok()) return why.status();
  const bool goes_back = options.from < 0 || static_cast<uint64_t>(options.from) < read.next;
  if (why->empty() && goes_back && !options.force)
    return Status::Invalid(
        path + " can be read on as it is; --force reads all that it holds once more, and counts it again");
  const auto low = static_cast<uint64_t>(offsets.low);
  const uint64_t from = options.from < 0 ? low : static_cast<uint64_t>(options.from);
  if (from < low || from > static_cast<uint64_t>(offsets.high))
    return Status::Invalid(path + " holds offsets " + std::to_string(low) + " to " +
                           std::to_string(offsets.high) + ", --from is outside of them");
  messages->Count(path + (why->empty() ? "" : ": " + *why) + "; it will be read from offset " +
                  std::to_string(from));
  return NewStart{from, !why->empty()};
}

Status NeverRead(const KafkaOffsets& offsets) {
  return Status::NotFound(offsets.partition.Path() + " was never read: there is nothing to reset");
}

// ---- one process: how far was read stands in its folder

Status Reset(const TopicsView& view, const KafkaOffsets& offsets, const KafkaResetOptions& options,
             StateTransaction* transaction, Messages* messages) {
  const Result<std::optional<SourceState>> stored =
      FindSource(*transaction, KafkaIdentity{view.view.cluster, offsets.partition}.Encode());
  if (!stored.ok()) return stored.status();
  if (!stored->has_value()) return NeverRead(offsets);
  SourceState state = **stored;
  const Result<NewStart> start = StartOf(view, offsets, {state.next_index, state.cursor}, options, messages);
  if (!start.ok()) return start.status();
  // An epoch has each offset once. Behind what was read it goes on; else others begin.
  if (start->offset < state.next_index || start->is_broken) ++state.epoch;
  state.next_index = start->offset;
  state.cursor = 0;
  return UpdateSource(transaction, state);
}

// ---- workers: it lies with their group

// The group of the workers that read a source.
Result<std::unique_ptr<KafkaAdmin>> AdminOfGroup(const Config& config, const std::string& source) {
  for (const KafkaSourceConfig& configured : config.kafka_sources) {
    if (configured.name != source) continue;
    KafkaSettings settings = configured.settings;
    settings.group = config.pipeline->DetectGroup(source);
    return KafkaAdmin::Open(settings);
  }
  return Status::NotFound("there is no source `" + source + "`");
}

// The position of the group from which all workers go on.
Result<GroupPosition> NewPosition(const TopicsView& view, const KafkaOffsets& offsets, KafkaAdmin* group,
                                  const KafkaResetOptions& options, Timestamp now, Messages* messages) {
  const auto told = group->ToldPositions({offsets.partition});
  if (!told.ok()) return told.status();
  if (told->empty()) return NeverRead(offsets);
  const GroupPosition& position = told->begin()->second;
  std::optional<RawPosition> read = RawPosition::Of(position.next_offset, position.note);
  if (!read.has_value())
    return Status::Invalid(offsets.partition.Path() +
                           ": its group has a position that redthread did not write (note `" + position.note +
                           "`); give redthread a group of its own");
  const Result<NewStart> start = StartOf(view, offsets, {read->next, read->fingerprint}, options, messages);
  if (!start.ok()) return start.status();
  // Within an epoch, matches follow each other without a gap.
  read->epoch = std::max(read->epoch + 1, EpochOf(now));
  read->next = start->offset;
  read->fingerprint = 0;
  return GroupPosition{offsets.partition, static_cast<int64_t>(read->next), read->Note()};
}

// Does it for each of the partitions that a view has. All of them are to be in one.
Status ForEachWanted(const std::vector<TopicsView>& views, const std::vector<KafkaPartition>& wanted,
                     const std::function<Status(const TopicsView&, const KafkaOffsets&)>& reset) {
  for (const KafkaPartition& partition : wanted) {
    Status status = Status::NotFound("no source reads " + partition.Path() + ", or it is not there");
    for (const TopicsView& view : views) {
      for (const KafkaOffsets& offsets : view.view.unread) {
        if (offsets.partition == partition) status = reset(view, offsets);
      }
    }
    RT_RETURN_IF_ERROR(status);
  }
  return Status::Ok();
}

Status ResetInFolder(const Config& config, const std::vector<TopicsView>& views,
                     const std::vector<KafkaPartition>& wanted, const KafkaResetOptions& options,
                     CommandContext* context) {
  Database::Options database_options;
  database_options.path = DatabasePath(config.data_dir);
  database_options.create = false;
  Result<std::unique_ptr<Database>> database = Database::Open(database_options);
  if (!database.ok()) return database.status();
  StateTransaction transaction(database->get());
  RT_RETURN_IF_ERROR(ForEachWanted(views, wanted, [&](const TopicsView& view, const KafkaOffsets& offsets) {
    return Reset(view, offsets, options, &transaction, context->messages);
  }));
  return transaction.Commit();
}

Status ResetOfWorkers(const Config& config, const std::vector<TopicsView>& views,
                      const std::vector<KafkaPartition>& wanted, const KafkaResetOptions& options,
                      CommandContext* context) {
  struct Group {
    std::unique_ptr<KafkaAdmin> admin;
    std::vector<GroupPosition> positions;
  };
  std::map<std::string, Group> groups;  // by source
  RT_RETURN_IF_ERROR(ForEachWanted(views, wanted, [&](const TopicsView& view, const KafkaOffsets& offsets) {
    Group& group = groups[view.name];
    if (group.admin == nullptr) {
      Result<std::unique_ptr<KafkaAdmin>> admin = AdminOfGroup(config, view.name);
      if (!admin.ok()) return admin.status();
      group.admin = std::move(*admin);
    }
    Result<GroupPosition> position =
        NewPosition(view, offsets, group.admin.get(), options, context->clock->Now(), context->messages);
    if (!position.ok()) return position.status();
    group.positions.push_back(std::move(*position));
    return Status::Ok();
  }));
  for (auto& [source, group] : groups) RT_RETURN_IF_ERROR(group.admin->SetPositions(group.positions));
  return Status::Ok();
}

}  // namespace

void AddKafkaReset(CLI::App* kafka, CommandTree* tree) {
  auto options = std::make_shared<KafkaResetOptions>();
  CLI::App* app =
      tree->Add(kafka,
                {"reset",
                 "have partitions read from their first record, after they were made again or lost records",
                 {"redthread kafka reset logs/0              while redthread does not run",
                  "redthread kafka reset logs/0 logs/1 --force   also what can be read on as it is"}},
                [options](CommandContext* c) { return RunKafkaReset(*options, c); });
  app->add_option("PARTITION", options->partitions, "as messages name it: TOPIC/NUMBER")
      ->type_name("TOPIC/N")
      ->required();
  app->add_option("--from", options->from, "offset to read from [the first record that is there]")
      ->type_name("OFFSET")
      ->check(CLI::NonNegativeNumber);
  app->add_flag("--force", options->force, "also one that can be read on as it is: its records count again");
}

int RunKafkaReset(const KafkaResetOptions& options, CommandContext* context) {
  std::vector<KafkaPartition> wanted;
  for (const std::string& text : options.partitions) {
    const std::optional<KafkaPartition> partition = ParsePath(text);
    if (!partition.has_value()) {
      context->messages->Error("`" + text + "` is no partition, write TOPIC/NUMBER, such as logs/0");
      return kExitUsage;
    }
    wanted.push_back(*partition);
  }
  int exit_code = kExitDone;
  const std::optional<LoadedConfig> loaded = LoadWithTopics(context, &exit_code);
  if (!loaded.has_value()) return exit_code;
  const std::vector<TopicsView> views = ViewAll(loaded->config, false, false, context, &exit_code);
  if (exit_code != kExitDone) return exit_code;
  // All of them or none.
  const auto reset = loaded->config.pipeline.has_value() ? ResetOfWorkers : ResetInFolder;
  const Status status = reset(loaded->config, views, wanted, options, context);
  return status.ok() ? static_cast<int>(kExitDone) : Fail(status, context);
}

}  // namespace redthread
