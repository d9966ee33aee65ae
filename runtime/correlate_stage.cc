#include "runtime/correlate_stage.h"

#include <algorithm>
#include <utility>

#include "runtime/stage_news.h"
#include "storage/crash_point.h"

namespace redthread {

namespace {

// How long the end waits for brokers.
constexpr Nanoseconds kFlushTime = std::chrono::seconds(30);

// The least that a database takes.
constexpr size_t kLeastMemory = size_t{8} << 20;

std::string FolderOf(const KafkaPartition& partition) {
  return partition.topic + "-" + std::to_string(partition.partition);
}

}  // namespace

CorrelateStage::CorrelateStage(Options options, TopicReader* reader, TopicWriter* writer, RuleEpochs* rules,
                               Clock* clock)
    : options_(std::move(options)), reader_(reader), writer_(writer), rules_(rules), clock_(clock) {}

CorrelateStage::~CorrelateStage() = default;

void CorrelateStage::Tell(const std::string& text) const {
  if (options_.on_problem) options_.on_problem(text);
}

void CorrelateStage::Count(PipelineFault fault) const {
  if (options_.on_fault) options_.on_fault(fault);
}

Status CorrelateStage::Turn(Nanoseconds at_most) {
  RT_RETURN_IF_ERROR(TakeNews(at_most));
  RT_RETURN_IF_ERROR(CommitDue(false));
  return TakeAcknowledged();
}

Status CorrelateStage::TakeNews(Nanoseconds at_most) {
  const TopicReader::News& news = reader_->Poll(at_most);
  RT_RETURN_IF_ERROR(TellFailures(news, options_.on_problem, options_.on_fault));
  if (news.asked_back) return GiveBack();
  for (const KafkaRecords::Failure& failure : news.records.failures) {
    Count(failure.offset_lost  ? PipelineFault::kOffset
          : failure.unreadable ? PipelineFault::kRecord
                               : FaultOfKafka(failure.status));
    if (!failure.offset_lost) return failure.status;
    return Status::Invalid(owned_[failure.tag]->name.Path() +
                           ": its next record is not there (any more): the topic was made again, or its "
                           "retention is too short. End all workers, remove " +
                           options_.data_dir + ", and start them again");
  }
  for (const KafkaRecords::Record& record : news.records.records) RT_RETURN_IF_ERROR(Apply(record));
  for (const auto& [tag, offset] : news.records.at_end) {
    Owned* const owned = owned_[tag].get();
    if (owned != nullptr) owned->seen_end |= static_cast<uint64_t>(offset) >= owned->fold->next_offset();
  }
  for (const TopicReader::Given& given : news.given) RT_RETURN_IF_ERROR(Open(given));
  return Status::Ok();
}

// ---- partitions

Status CorrelateStage::Open(const TopicReader::Given& given) {
  CorrelatePartition::Options options = options_.partition;
  options.path = options_.data_dir + "/" + FolderOf(given.partition);
  options.identity = given.partition.Path();
  const auto share = static_cast<size_t>(std::max(options_.partitions, 1));
  options.group_memory_bytes = std::max(options.group_memory_bytes / share, kLeastMemory);
  options.database_memory_bytes = std::max(options.database_memory_bytes / share, kLeastMemory);
  options.on_problem = options_.on_problem;
  options.on_fault = options_.on_fault;
  Result<std::unique_ptr<CorrelatePartition>> fold = CorrelatePartition::Open(options, rules_);
  // Of rights it is those to the folder, not those that brokers give.
  if (fold.status().code() == StatusCode::kDenied) return Status::Io(fold.status().message());
  if (!fold.ok()) return fold.status();
  auto owned = std::make_unique<Owned>();
  owned->name = given.partition;
  owned->fold = std::move(*fold);
  const auto low = static_cast<uint64_t>(given.low);
  if (given.position.has_value()) owned->told_to = static_cast<uint64_t>(given.position->next_offset);
  uint64_t next = owned->fold->next_offset();
  if (next == 0 && owned->told_to > low) {
    ++counts_.restored;
    Tell(given.partition.Path() + ": nothing is in " + options.path + "; it is made again from " +
         std::to_string(owned->told_to - low) + " records");
    CrashPoint("correlate_restores");
  }
  if (next != 0 && next < low) {
    Count(PipelineFault::kOffset);
    return Status::Invalid(given.partition.Path() + ": the records from " + std::to_string(next) + " to " +
                           std::to_string(low - 1) + " are not there any more, and " + options.path +
                           " ends before them; remove that folder, and it is made again from what is there");
  }
  const Result<uint64_t> told = owned->fold->Told();
  if (!told.ok()) return told.status();
  owned->sent = *told;
  owned->last_offset = owned->told_to;
  const auto tag = static_cast<uint32_t>(owned_.size());
  owned_.push_back(std::move(owned));
  if (next != 0) RT_RETURN_IF_ERROR(TellAlerts(tag));  // what an end came before
  return reader_->Read(given.partition, static_cast<int64_t>(std::max(next, low)), tag);
}

Status CorrelateStage::GiveBack() {
  RT_RETURN_IF_ERROR(CommitDue(true));
  RT_RETURN_IF_ERROR(writer_->Flush(kFlushTime));
  RT_RETURN_IF_ERROR(TakeAcknowledged());
  std::vector<GroupPosition> positions;
  for (const std::unique_ptr<Owned>& owned : owned_) {
    if (owned == nullptr) continue;
    RT_RETURN_IF_ERROR(owned->fold->Commit());
    positions.push_back(PositionOf(*owned));
  }
  CrashPoint("correlate_gives_back");
  if (!positions.empty()) RT_RETURN_IF_ERROR(reader_->CommitNow(positions));
  CrashPoint("correlate_given_back");
  for (std::unique_ptr<Owned>& owned : owned_) owned = nullptr;
  pending_.clear();
  reader_->GiveBack();
  return Status::Ok();
}

// ---- records

Status CorrelateStage::Apply(const KafkaRecords::Record& record) {
  Owned* const owned = owned_[record.tag].get();
  if (owned == nullptr || owned->stopped) return Status::Ok();
  const auto offset = static_cast<uint64_t>(record.offset);
  if (owned->fold->uncommitted() == 0) owned->step_began = clock_->Elapsed();
  ++counts_.records;
  if (offset < owned->told_to) ++counts_.replayed;
  const Status applied = owned->fold->Apply(offset, record.written, record.value);
  if (applied.code() == StatusCode::kCorrupt) {
    // Nothing that follows can be right; the other partitions go on.
    owned->stopped = true;
    reader_->Pause(owned->name, true);
    Count(PipelineFault::kOffset);
    Tell(owned->name.Path() + " is not read any more: " + applied.message());
    return Status::Ok();
  }
  RT_RETURN_IF_ERROR(applied);
  return owned->fold->uncommitted() >= options_.commit_records ? CommitOne(record.tag) : Status::Ok();
}

Status CorrelateStage::CommitDue(bool now) {
  for (uint32_t tag = 0; tag < owned_.size(); ++tag) {
    const Owned* const owned = owned_[tag].get();
    if (owned == nullptr || owned->fold->uncommitted() == 0) continue;
    const bool due = owned->fold->has_new_alert() || owned->fold->finished() ||
                     clock_->Elapsed() - owned->step_began >= options_.commit_interval;
    if (now || due) RT_RETURN_IF_ERROR(CommitOne(tag));
  }
  return Status::Ok();
}

Status CorrelateStage::CommitOne(uint32_t tag) {
  const Nanoseconds begun = clock_->Elapsed();
  Owned* const owned = owned_[tag].get();
  RT_RETURN_IF_ERROR(owned->fold->Commit());
  const uint64_t beyond_horizon = owned->fold->correlation_counts().beyond_horizon;
  counts_.beyond_horizon += beyond_horizon - std::exchange(owned->beyond_horizon, beyond_horizon);
  RT_RETURN_IF_ERROR(TellAlerts(tag));
  if (options_.on_commit) options_.on_commit(clock_->Elapsed() - begun);
  return Status::Ok();
}

// ---- alerts

Status CorrelateStage::TellAlerts(uint32_t tag) {
  Owned* const owned = owned_[tag].get();
  const uint64_t next = owned->fold->next_offset();
  uint64_t last = owned->sent;
  Status status;
  RT_RETURN_IF_ERROR(owned->fold->ForEachUntold(owned->sent, [&](uint64_t sequence, const Alert& alert) {
    last = sequence;
    // Somebody has told that, and the group knows.
    if (next <= owned->told_to) return true;
    const Result<uint64_t> number =
        writer_->Send(options_.alerts, owned->name.partition, alert.id, options_.render(alert, next - 1));
    status = number.status();
    if (!status.ok()) return false;
    last_number_ = *number;
    ++counts_.told;
    return true;
  }));
  RT_RETURN_IF_ERROR(status);
  if (last > owned->sent) CrashPoint("correlate_sent");
  owned->sent = last;
  pending_.push_back({last_number_, tag, last, next});
  return Status::Ok();
}

Status CorrelateStage::TakeAcknowledged() {
  const Result<uint64_t> acknowledged = writer_->Acknowledged();
  if (!acknowledged.ok()) return acknowledged.status();
  std::map<uint32_t, Pending> newest;
  for (; !pending_.empty() && pending_.front().number <= *acknowledged; pending_.pop_front())
    newest[pending_.front().tag] = pending_.front();
  if (!newest.empty()) CrashPoint("correlate_acknowledged");
  std::vector<GroupPosition> positions;
  for (const auto& [tag, done] : newest) {
    Owned* const owned = owned_[tag].get();
    RT_RETURN_IF_ERROR(owned->fold->MarkTold(done.sequence));
    if (done.offset <= owned->last_offset) continue;
    owned->last_offset = done.offset;
    positions.push_back(PositionOf(*owned));
  }
  if (positions.empty()) return Status::Ok();
  CrashPoint("correlate_marked");
  reader_->Commit(positions);
  CrashPoint("correlate_told");
  return Status::Ok();
}

GroupPosition CorrelateStage::PositionOf(const Owned& owned) {
  std::string note = "v1";
  const Timestamp watermark = owned.fold->watermark();
  if (watermark != Timestamp::Min()) note += " watermark=" + std::to_string(watermark.ns);
  const CorrelatePartition::SourceProgress* holder = nullptr;
  const std::vector<CorrelatePartition::SourceProgress> sources = owned.fold->sources();
  for (const CorrelatePartition::SourceProgress& source : sources) {
    if (!source.awaited) continue;
    if (holder == nullptr ||
        source.watermark.value_or(Timestamp::Min()) < holder->watermark.value_or(Timestamp::Min()))
      holder = &source;
  }
  if (holder != nullptr) note += " awaits=" + holder->path;
  return {owned.name, static_cast<int64_t>(owned.last_offset), std::move(note)};
}

// ---- the end

bool CorrelateStage::finished() const {
  return pending_.empty() && std::all_of(owned_.begin(), owned_.end(), [](const auto& owned) {
           // What it has stored may be the end of an earlier run.
           return owned == nullptr ||
                  (owned->seen_end && owned->fold->finished() && owned->fold->uncommitted() == 0);
         });
}

size_t CorrelateStage::owned() const {
  return static_cast<size_t>(
      std::count_if(owned_.begin(), owned_.end(), [](const auto& owned) { return owned != nullptr; }));
}

Status CorrelateStage::Stop() { return GiveBack(); }

}  // namespace redthread
