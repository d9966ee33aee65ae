#include "runtime/detect_stage.h"

#include <algorithm>

#include "correlate/group_rows.h"
#include "runtime/stage_news.h"
#include "storage/crash_point.h"

namespace redthread {

namespace {

// A record of a topic is about so large at most; one match alone may be larger, up to the second.
constexpr size_t kFrameBytes = 512 << 10;
constexpr size_t kMaxMatchBytes = size_t{24} << 20;

// How long the end waits for brokers.
constexpr Nanoseconds kFlushTime = std::chrono::seconds(30);

constexpr Nanoseconds kDay = std::chrono::hours(24);

// The end of the day that a record was written in: times without a year are read by it, and it is the same in
// whatever batch the record is read.
Timestamp EndOfDay(Timestamp written) {
  const int64_t day = kDay.count();
  const int64_t into = ((written.ns % day) + day) % day;
  return {written.ns - into + day - 1};
}

std::vector<std::string> IdentitiesOf(const auto& rules) {
  std::vector<std::string> identities;
  for (const RuleDescription& rule : rules) identities.push_back(IdentityOf(rule));
  return identities;
}

// What a match takes of a frame, about.
size_t BytesOf(const GroupMatch& m) {
  size_t bytes = 0;
  for (const std::string& text : m.group) bytes += text.size();
  for (const auto* lists : {&m.match.values, &m.match.carried}) {
    for (const Texts& texts : *lists) {
      for (const std::string& text : texts) bytes += text.size();
    }
  }
  return bytes;
}

template <typename T>
void RaiseTo(std::optional<T>* value, const T& other) {
  if (!value->has_value() || **value < other) *value = other;
}

}  // namespace

DetectStage::DetectStage(Options options, std::vector<TopicReader*> readers, TopicWriter* writer,
                         RuleEpochs* rules, Clock* clock)
    : options_(std::move(options)),
      writer_(writer),
      rules_(rules),
      clock_(clock),
      inputs_(options_.inputs.size()),
      frames_(static_cast<size_t>(options_.partitions)),
      stepped_(clock->Elapsed()) {
  for (size_t n = 0; n < inputs_.size(); ++n) inputs_[n].reader = readers[n];
}

DetectStage::~DetectStage() = default;

void DetectStage::Tell(const std::string& text) const {
  if (options_.on_problem) options_.on_problem(text);
}

void DetectStage::Count(PipelineFault fault) const {
  if (options_.on_fault) options_.on_fault(fault);
}

// ---- a turn

Status DetectStage::Turn(Nanoseconds at_most) {
  RT_RETURN_IF_ERROR(TakeRules());
  if (epoch_ == 0) return Status::Ok();
  for (size_t n = 0; n < inputs_.size(); ++n) {
    // Who has work waits for nobody.
    const bool idle = workers_->Front(false) == nullptr;
    RT_RETURN_IF_ERROR(TakeNews(n, idle ? at_most / static_cast<int64_t>(inputs_.size()) : Nanoseconds(0)));
  }
  for (Result<bool> applied = true; *applied;) {
    applied = ApplyNext(false);
    if (!applied.ok()) return applied.status();
  }
  RT_RETURN_IF_ERROR(TellProgress(false));
  return CommitAcknowledged();
}

// Other rules take effect between two records; the group knows of it before a frame of theirs is written, so
// that nobody goes on with the old ones behind.
Status DetectStage::TakeRules() {
  const RuleEpochs::Rules newest = rules_->Newest();
  if (newest.engine == nullptr || newest.epoch == epoch_) return Status::Ok();
  if (workers_ != nullptr) {
    RT_RETURN_IF_ERROR(Drain());
    RT_RETURN_IF_ERROR(TellProgress(true));
    RT_RETURN_IF_ERROR(writer_->Flush(kFlushTime));
    RT_RETURN_IF_ERROR(CommitAcknowledged());
    workers_->SetEngine(newest.engine);
  } else {
    workers_ = std::make_unique<BatchWorkers>(newest.engine, options_.jobs);
  }
  epoch_ = newest.epoch;
  router_ = std::make_unique<MatchRouter>(newest.engine->correlations(), options_.partitions);
  rule_ids_ = IdentitiesOf(newest.engine->rules().rules);
  correlation_ids_ = IdentitiesOf(newest.engine->rules().correlations);
  for (size_t n = 0; n < inputs_.size(); ++n) {
    inputs_[n].declared = newest.engine->facts()->Declare(options_.inputs[n].log_source);
    std::vector<Raw*> partitions;
    for (const std::unique_ptr<Raw>& raw : inputs_[n].partitions) {
      if (raw != nullptr) partitions.push_back(raw.get());
    }
    RT_RETURN_IF_ERROR(CommitRulesNow(n, partitions));
  }
  return Status::Ok();
}

Status DetectStage::CommitRulesNow(size_t input, const std::vector<Raw*>& partitions) {
  std::vector<GroupPosition> positions;
  for (Raw* raw : partitions) {
    raw->position.rules = epoch_;
    positions.push_back({raw->name, static_cast<int64_t>(raw->position.next), raw->position.Note()});
  }
  if (positions.empty()) return Status::Ok();
  CrashPoint("detect_rules_untold");
  RT_RETURN_IF_ERROR(inputs_[input].reader->CommitNow(positions));
  CrashPoint("detect_rules_told");
  return Status::Ok();
}

// ---- which partitions there are, and which of them are ours

Status DetectStage::TakeNews(size_t n, Nanoseconds at_most) {
  Input& input = inputs_[n];
  RT_RETURN_IF_ERROR(TakeView(n));
  const TopicReader::News& news = input.reader->Poll(at_most);
  RT_RETURN_IF_ERROR(TellFailures(news, options_.on_problem, options_.on_fault));
  if (news.asked_back) return GiveBack(n);
  input.given.insert(input.given.end(), news.given.begin(), news.given.end());
  RT_RETURN_IF_ERROR(TakeRecords(n, news.records));
  // What is awaited must have been announced before anything of it is told.
  if (announced_.empty()) return Status::Ok();
  std::vector<Raw*> opened;
  for (const TopicReader::Given& given : std::exchange(input.given, {})) {
    RT_RETURN_IF_ERROR(Open(n, given));
    Raw* const raw = input.partitions.back().get();
    if (raw->position.rules != epoch_) opened.push_back(raw);
  }
  return CommitRulesNow(n, opened);
}

Status DetectStage::TakeView(size_t n) {
  std::optional<KafkaView> view = inputs_[n].reader->TakeView();
  if (!view.has_value()) return Status::Ok();
  if (!view->status.ok()) {
    Count(FaultOfKafka(view->status));
    Tell(view->status.message());
    return Status::Ok();
  }
  for (const std::string& topic : view->missing) {
    Count(PipelineFault::kTopic);
    Tell("source `" + options_.inputs[n].name + "`: there is no topic `" + topic +
         "`, or its user may not see it; make it with `redthread kafka init`, correct `topics`, or grant the "
         "right to describe it");
  }
  inputs_[n].view = std::move(view);
  return Announce();
}

// Says in every partition what there is to wait for, once all inputs have been looked at, and again when that
// has changed.
Status DetectStage::Announce() {
  std::vector<std::string> sources;
  for (const Input& input : inputs_) {
    if (!input.view.has_value()) return Status::Ok();
    for (const KafkaPartition& partition : input.view->present)
      sources.push_back(KafkaIdentity{input.view->cluster, partition}.Encode());
  }
  std::sort(sources.begin(), sources.end());
  if (sources == announced_) return Status::Ok();
  announced_ = sources;
  const std::string record = EncodeAnnounce(sources);
  for (int32_t p = 0; p < options_.partitions; ++p) {
    const Result<uint64_t> number = writer_->Send(options_.matches, p, {}, record);
    if (!number.ok()) return number.status();
    last_number_ = *number;
  }
  CrashPoint("detect_announced");
  return Status::Ok();
}

Status DetectStage::Open(size_t n, const TopicReader::Given& given) {
  Input& input = inputs_[n];
  auto raw = std::make_unique<Raw>();
  raw->input = n;
  raw->name = given.partition;
  raw->identity = KafkaIdentity{input.view->cluster, given.partition}.Encode();
  raw->position.next = static_cast<uint64_t>(given.low);
  if (given.position.has_value()) {
    const std::optional<RawPosition> position =
        RawPosition::Of(given.position->next_offset, given.position->note);
    if (!position.has_value())
      return Status::Invalid(given.partition.Path() + ": the group `" + options_.inputs[n].settings.group +
                             "` has a position of it that redthread did not write (note `" +
                             given.position->note + "`); give redthread a group of its own");
    raw->position = *position;
  }
  if (raw->position.rules > epoch_)
    return Status::Unavailable(given.partition.Path() + " was read with rules of epoch " +
                               std::to_string(raw->position.rules) + ", and this worker knows those of " +
                               std::to_string(epoch_));
  raw->taken = raw->position.next;
  raw->fingerprint = raw->position.fingerprint;
  raw->verifying = raw->fingerprint != 0 && static_cast<int64_t>(raw->taken) > given.low;
  raw->sent.assign(frames_.size(), FramePoint{raw->position.next, 0});
  const auto tag = static_cast<uint32_t>(input.partitions.size());
  input.tags[given.partition] = tag;
  input.partitions.push_back(std::move(raw));
  Raw* const opened = input.partitions.back().get();
  if (static_cast<int64_t>(opened->taken) < given.low) {
    StopReading(opened, PipelineFault::kOffset,
                "its records " + std::to_string(opened->taken) + " to " + std::to_string(given.low - 1) +
                    " were deleted before they were read: its retention is too short, or redthread "
                    "was away for too long");
    return Status::Ok();
  }
  opened->reading = true;
  ended_ = false;
  return input.reader->Read(given.partition,
                            static_cast<int64_t>(opened->taken) - (opened->verifying ? 1 : 0), tag);
}

// All that was read is finished first; what the group does not get to know is read again by the next one.
Status DetectStage::GiveBack(size_t n) {
  Input& input = inputs_[n];
  RT_RETURN_IF_ERROR(Drain());
  RT_RETURN_IF_ERROR(TellProgress(true));
  RT_RETURN_IF_ERROR(writer_->Flush(kFlushTime));
  std::vector<GroupPosition> positions;
  for (const std::unique_ptr<Raw>& raw : input.partitions) {
    if (raw != nullptr)
      positions.push_back({raw->name, static_cast<int64_t>(raw->position.next), raw->position.Note()});
  }
  CrashPoint("detect_gives_back");
  if (!positions.empty()) RT_RETURN_IF_ERROR(input.reader->CommitNow(positions));
  CrashPoint("detect_given_back");
  std::erase_if(pending_, [n](const Pending& pending) { return pending.input == n; });
  for (std::unique_ptr<Raw>& raw : input.partitions) raw = nullptr;
  input.tags.clear();
  input.given.clear();
  input.reader->GiveBack();
  ended_ = false;
  return Status::Ok();
}

void DetectStage::StopReading(Raw* raw, PipelineFault fault, const std::string& why) {
  Count(fault);
  raw->stopped = Status::Io(raw->name.Path() + " is not read any more: " + why +
                            ". To go on with what it holds now, end all workers and run `redthread kafka "
                            "reset " +
                            raw->name.Path() + "`");
  if (raw->reading) inputs_[raw->input].reader->Pause(raw->name, true);
  Tell(raw->stopped.message());
}

// ---- records

Status DetectStage::TakeRecords(size_t n, const KafkaRecords& records) {
  Input& input = inputs_[n];
  for (const KafkaRecords::Failure& failure : records.failures) {
    Raw* const raw = input.partitions[failure.tag].get();
    if (raw == nullptr || !raw->stopped.ok()) continue;
    if (failure.offset_lost)
      StopReading(raw, PipelineFault::kOffset, "its next record is not there (any more)");
    if (failure.offset_lost) continue;
    Count(failure.unreadable ? PipelineFault::kRecord : FaultOfKafka(failure.status));
    if (failure.unreadable) return failure.status;
    Tell(failure.status.message());
  }
  std::vector<size_t> run;
  for (size_t i = 0; i < records.records.size(); ++i) {
    run.push_back(i);
    const bool last = i + 1 == records.records.size() || records.records[i + 1].tag != records.records[i].tag;
    if (!last) continue;
    Raw* const raw = input.partitions[records.records[i].tag].get();
    if (raw != nullptr) RT_RETURN_IF_ERROR(TakeRun(n, raw, records, run));
    run.clear();
  }
  for (const auto& [tag, offset] : records.at_end) {
    Raw* const raw = input.partitions[tag].get();
    if (raw == nullptr || static_cast<uint64_t>(offset) < raw->taken) continue;
    raw->verifying = false;
    raw->end = raw->taken = static_cast<uint64_t>(offset);
    PassGap(raw);
  }
  return Status::Ok();
}

// Whether the record is the one that was read last: then it is not to be read again.
bool DetectStage::Verify(Raw* raw, const KafkaRecords::Record& record) {
  raw->verifying = false;
  if (static_cast<uint64_t>(record.offset) + 1 != raw->taken) return false;
  if (FingerprintOf(record) != raw->fingerprint)
    StopReading(raw, PipelineFault::kReplaced,
                "its record " + std::to_string(record.offset) +
                    " is another one than was read: it was made again, or its brokers lost records");
  return true;
}

// Neighbours of one partition become batches.
Status DetectStage::TakeRun(size_t n, Raw* raw, const KafkaRecords& records, const std::vector<size_t>& run) {
  const KafkaInput& configured = options_.inputs[n];
  Batch* batch = nullptr;
  size_t bytes = 0;
  const KafkaRecords::Record* last = nullptr;
  const auto submit = [&] {
    if (batch == nullptr) return;
    raw->fingerprint = FingerprintOf(*last);
    batch->source.progress.next_index = raw->taken;
    batch->source.progress.cursor = raw->fingerprint;
    workers_->Submit();
    ++raw->at_work;
    batch = nullptr;
  };
  for (const size_t i : run) {
    const KafkaRecords::Record& record = records.records[i];
    if (!raw->stopped.ok()) break;
    if (raw->verifying && Verify(raw, record)) continue;
    if (static_cast<uint64_t>(record.offset) < raw->taken) continue;
    if (record.offset == 0) RT_RETURN_IF_ERROR(BeginEpoch(n, raw, record));
    const Timestamp written = record.written.value_or(clock_->Now());
    if (batch != nullptr && (bytes > options_.batch_bytes || EndOfDay(written) != batch->origin.written))
      submit();
    if (batch == nullptr) {
      const Result<Batch*> free = FreeBatch();
      if (!free.ok()) return free.status();
      batch = *free;
      size_t room = 0;
      for (const size_t j : run) room += j >= i ? records.records[j].value.size() : 0;
      batch->lines.Begin(room);
      batch->arrivals.clear();
      batch->kind = SourceKind::kPartition;
      batch->has_lines = true;
      batch->keep = false;
      batch->at_end = false;
      batch->input = n;
      batch->declared = inputs_[n].declared;
      batch->arrival = written;
      batch->origin = {configured.format,          configured.zone.get(), 0, EndOfDay(written), false,
                       &configured.trusted_proxies};
      batch->source = {};
      batch->source.number = inputs_[n].tags.at(raw->name);
      batch->source.progress.epoch = raw->position.epoch;
      batch->copies.clear();
      batch->ended.clear();
      bytes = 0;
    }
    const std::string_view whole = record.text();
    const std::string_view text = whole.substr(0, configured.max_record_bytes);
    batch->lines.Add(text, static_cast<uint64_t>(record.offset),
                     text.size() < whole.size() ? whole.size() : 0);
    // A blank one is in the counts alone.
    if (batch->arrivals.size() < batch->lines.records.size()) batch->arrivals.push_back(written);
    bytes += text.size();
    raw->taken = static_cast<uint64_t>(record.offset) + 1;
    raw->end = std::nullopt;
    last = &record;
  }
  submit();
  return Status::Ok();
}

// The group forgets how far a topic was read when it is deleted, and in time by itself. When the first record
// was appended tells the one from the other: a topic that was made again begins later, as a later epoch.
Status DetectStage::BeginEpoch(size_t input, Raw* raw, const KafkaRecords::Record& first) {
  if (raw->position.epoch != 0 || !first.appended || !first.written.has_value()) return Status::Ok();
  raw->position.epoch = EpochOf(*first.written);
  return CommitRulesNow(input, {raw});
}

Result<Batch*> DetectStage::FreeBatch() {
  Batch* batch = workers_->Free();
  for (; batch == nullptr; batch = workers_->Free()) {
    if (const Result<bool> applied = ApplyNext(true); !applied.ok()) return applied.status();
  }
  return batch;
}

Result<bool> DetectStage::ApplyNext(bool wait) {
  const Batch* batch = workers_->Front(wait);
  if (batch == nullptr) return false;
  RT_RETURN_IF_ERROR(Apply(*batch));
  workers_->Pop();
  return true;
}

Status DetectStage::Drain() {
  for (;;) {
    const Result<bool> applied = ApplyNext(true);
    if (!applied.ok() || !*applied) return applied.status();
  }
}

// ---- frames

FrameHead DetectStage::HeadOf(const Raw& raw) const {
  FrameHead head;
  head.source = raw.identity;
  head.epoch = raw.position.epoch;
  head.rules = epoch_;
  head.seen = raw.position.seen;
  head.greatest = raw.position.greatest;
  return head;
}

Status DetectStage::Apply(const Batch& batch) {
  Raw* const raw = inputs_[batch.input].partitions[batch.source.number].get();
  for (size_t i = 0; i < batch.events.size(); ++i) {
    const EventRecord& event = batch.events[i];
    if (!event.time.has_value()) continue;
    RaiseTo(&raw->position.greatest, *event.time);
    RaiseTo(&raw->position.seen, std::min(*event.time, batch.arrivals[i]));
  }
  counts_.records += batch.lines.counts;
  counts_.without_group += batch.without_group;
  for (const ImperfectRecord& imperfect : batch.imperfect) {
    if (!batch.WasCut(imperfect)) counts_.records.Note(imperfect.decoded);
  }
  FrameHead head = HeadOf(*raw);
  head.end = {batch.source.progress.next_index, 0};
  RT_RETURN_IF_ERROR(SendMatches(batch, raw, head));
  raw->position.next = batch.source.progress.next_index;
  raw->position.fingerprint = batch.source.progress.cursor;
  --raw->at_work;
  PassGap(raw);
  return Status::Ok();
}

// Compaction, or a transaction's marks, may leave no record at the offsets before the end: when all that is
// before them was applied, they are passed.
void DetectStage::PassGap(Raw* raw) {
  if (raw->at_work == 0 && raw->end == raw->taken) raw->position.next = raw->taken;
}

// To every partition that gets matches of the batch, a frame.
Status DetectStage::SendMatches(const Batch& batch, Raw* raw, const FrameHead& head) {
  const RuleSet& rules = workers_->engine()->rules();
  std::set<int32_t> begun;
  // The frame that the next match of a record belongs to.
  const auto frame = [&](int32_t partition) -> Result<FrameWriter*> {
    FrameWriter* const writer = &frames_[static_cast<size_t>(partition)];
    FrameHead begin = head;
    begin.begin = raw->sent[static_cast<size_t>(partition)];
    if (!begun.insert(partition).second) {
      if (writer->bytes() < kFrameBytes) return writer;
      begin.end = writer->next();
      RT_RETURN_IF_ERROR(Send(partition, raw, begin));
      begin.begin = begin.end;
    }
    writer->Begin(begin);
    return writer;
  };
  // Matches by record: first those that are folded, then those of correlations.
  size_t correlated = 0;
  for (const MatchedRecord& matched : batch.matched) {
    const uint64_t offset = batch.lines.records[matched.record].index;
    counts_.detections += matched.rules.size();
    for (const RuleIndex rule : matched.rules) {
      if (rules.rules[rule].muted) continue;
      const Result<FrameWriter*> to = frame(router_->PartitionOf(rules.rules[rule], matched.group));
      if (!to.ok()) return to.status();
      (*to)->AddFold(offset, rule_ids_[rule], matched.time.value_or(kNoTime), matched.raw_hash,
                     matched.group);
    }
    for (; correlated < batch.correlated.size(); ++correlated) {
      const GroupMatch& m = batch.correlated[correlated];
      const MatchEvidence& evidence = m.match.evidence.front();
      if (evidence.position.index != offset) break;
      if (BytesOf(m) > kMaxMatchBytes) {
        ++counts_.too_large;
        continue;
      }
      const Result<FrameWriter*> to = frame(router_->PartitionOf(m.correlation, m.group));
      if (!to.ok()) return to.status();
      (*to)->AddMatch(offset, correlation_ids_[m.correlation], m.group, m.match, rule_ids_[evidence.rule]);
    }
  }
  for (const int32_t partition : begun) RT_RETURN_IF_ERROR(Send(partition, raw, head));
  if (!begun.empty()) CrashPoint("detect_frames_sent");
  return Status::Ok();
}

// The frame that is being written for that partition, or one without matches, up to head.end.
Status DetectStage::Send(int32_t partition, Raw* raw, const FrameHead& head) {
  FramePoint* const sent = &raw->sent[static_cast<size_t>(partition)];
  FrameHead whole = head;
  whole.begin = *sent;
  FrameWriter* const writer = &frames_[static_cast<size_t>(partition)];
  const Result<uint64_t> number = writer_->Send(options_.matches, partition, {}, writer->Finish(whole));
  if (!number.ok()) return number.status();
  last_number_ = *number;
  *sent = whole.end;
  ++counts_.frames;
  return Status::Ok();
}

// ---- progress

// Every step, each partition of `matches` gets to know how far each raw partition was read.
Status DetectStage::TellProgress(bool now) {
  if (!now && clock_->Elapsed() - stepped_ < options_.step) return Status::Ok();
  stepped_ = clock_->Elapsed();
  bool all_at_end = true;
  bool all_done = true;
  Status stopped;
  for (const Input& input : inputs_) {
    for (const std::unique_ptr<Raw>& raw : input.partitions) {
      if (raw == nullptr) continue;
      all_at_end &= raw->at_end();
      all_done &= raw->at_end() || !raw->stopped.ok();
      if (stopped.ok()) stopped = raw->stopped;
    }
  }
  // There is no end to be told.
  if (options_.until_idle && all_done && !all_at_end) return stopped;
  const bool ended = options_.until_idle && all_at_end;
  for (size_t n = 0; n < inputs_.size(); ++n) {
    Pending pending{0, n, {}};
    for (const std::unique_ptr<Raw>& raw : inputs_[n].partitions) {
      if (raw == nullptr || !raw->stopped.ok()) continue;
      const bool moved = !raw->told.has_value() || raw->told->next != raw->position.next ||
                         raw->told_at_end != raw->at_end();
      const bool alive = raw->at_end() && stepped_ - raw->told_at >= options_.sign_of_life;
      if (!moved && !alive && ended == ended_) continue;
      RT_RETURN_IF_ERROR(TellProgressOf(raw.get(), ended));
      raw->position.ended = ended;
      if (!moved && ended == ended_) continue;  // the group knows
      pending.positions.push_back(
          {raw->name, static_cast<int64_t>(raw->position.next), raw->position.Note()});
    }
    pending.number = last_number_;
    if (pending.positions.empty()) continue;
    pending_.push_back(std::move(pending));
    CrashPoint("detect_progress_sent");
  }
  ended_ = ended;
  return Status::Ok();
}

Status DetectStage::TellProgressOf(Raw* raw, bool ended) {
  FrameHead head = HeadOf(*raw);
  head.end = {raw->position.next, 0};
  head.at_end = raw->at_end();
  head.ended = ended;
  for (int32_t p = 0; p < options_.partitions; ++p) {
    head.begin = raw->sent[static_cast<size_t>(p)];
    frames_[static_cast<size_t>(p)].Begin(head);
    RT_RETURN_IF_ERROR(Send(p, raw, head));
  }
  raw->told = raw->position;
  raw->told_at_end = head.at_end;
  raw->told_at = stepped_;
  return Status::Ok();
}

Status DetectStage::CommitAcknowledged() {
  const Result<uint64_t> acknowledged = writer_->Acknowledged();
  if (!acknowledged.ok()) return acknowledged.status();
  for (; !pending_.empty() && pending_.front().number <= *acknowledged; pending_.pop_front()) {
    CrashPoint("detect_acknowledged");
    inputs_[pending_.front().input].reader->Commit(pending_.front().positions);
    CrashPoint("detect_told");
    ++counts_.commits;
  }
  return Status::Ok();
}

// ---- the end

bool DetectStage::finished() const {
  const bool all_given =
      std::all_of(inputs_.begin(), inputs_.end(), [](const Input& i) { return i.given.empty(); });
  return options_.until_idle && ended_ && pending_.empty() && all_given;
}

size_t DetectStage::owned() const {
  size_t owned = 0;
  for (const Input& input : inputs_) owned += input.tags.size() + input.given.size();
  return owned;
}

Status DetectStage::Stop() {
  if (workers_ == nullptr) return Status::Ok();
  for (size_t n = 0; n < inputs_.size(); ++n) RT_RETURN_IF_ERROR(GiveBack(n));
  return Status::Ok();
}

}  // namespace redthread
