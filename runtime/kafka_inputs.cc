#include "runtime/kafka_inputs.h"

#include <algorithm>

namespace redthread {

namespace {

// How long brokers may be away before `--until-idle` gives up.
constexpr Nanoseconds kPatience = std::chrono::seconds(30);

// When a problem that lasts is told again.
constexpr Nanoseconds kTellAgain = std::chrono::hours(1);

// How long the end of a run waits for Kafka to take its positions.
constexpr Nanoseconds kTellingTime = std::chrono::seconds(2);

}  // namespace

KafkaInputs::KafkaInputs(Options options, Committer* committer, Clock* clock)
    : options_(std::move(options)), committer_(committer), clock_(clock), inputs_(options_.inputs.size()) {}

Result<std::unique_ptr<KafkaInputs>> KafkaInputs::Start(Options options, Committer* committer, Clock* clock) {
  std::unique_ptr<KafkaInputs> inputs(new KafkaInputs(std::move(options), committer, clock));
  RT_RETURN_IF_ERROR(inputs->StartConsumers());
  return inputs;
}

Status KafkaInputs::StartConsumers() {
  for (size_t n = 0; n < inputs_.size(); ++n) {
    const KafkaInput& configured = options_.inputs[n];
    const auto named = [&](const Status& status) {
      return Status(status.code(), "source `" + configured.name + "`: " + status.message());
    };
    Result<TopicFilter> topics = TopicFilter::Of(configured.topics);
    if (!topics.ok()) return named(topics.status());
    KafkaConsumer::Options options{configured.settings, std::move(*topics), options_.refresh_interval};
    Result<std::unique_ptr<KafkaConsumer>> consumer = KafkaConsumer::Start(std::move(options));
    if (!consumer.ok()) return named(consumer.status());
    inputs_[n].consumer = std::move(*consumer);
    inputs_[n].state_since = clock_->Elapsed();
    committer_->Await(n, true);
  }
  return Status::Ok();
}

void KafkaInputs::Declare(FactsTable* facts) {
  for (size_t n = 0; n < inputs_.size(); ++n)
    inputs_[n].declared = facts->Declare(options_.inputs[n].log_source);
}

void KafkaInputs::TellOnce(size_t n, const std::string& text, const std::string& kind) {
  const Nanoseconds now = clock_->Elapsed();
  const auto [told, is_new] = inputs_[n].told.try_emplace(kind.empty() ? text : kind, now);
  if (!is_new && now - told->second < kTellAgain) return;
  told->second = now;
  if (options_.on_problem) options_.on_problem("source `" + options_.inputs[n].name + "`: " + text);
}

// ---- which partitions there are

Status KafkaInputs::TakeView(size_t n) {
  Input& input = inputs_[n];
  const std::optional<KafkaView> view = input.consumer->TakeView();
  if (!view.has_value()) return Status::Ok();
  if (!view->status.ok()) {
    // Why nobody answers may be known already, and better.
    NoteLost(n, input.state.ok() ? view->status : input.state);
    return Status::Ok();
  }
  if (!input.state.ok()) {
    input.told.clear();
    TellOnce(n, "its brokers answer again");
    input.told.clear();
  }
  input.state = Status::Ok();
  input.cluster = view->cluster;
  input.seen = true;
  input.missing = {view->missing.begin(), view->missing.end()};
  for (const std::string& topic : input.missing)
    TellOnce(n, "there is no topic `" + topic +
                    "`, or its user may not see it; make it with `redthread kafka init`, "
                    "correct `topics`, or grant the right to describe it");
  NoteGone(n, *view);
  for (const KafkaOffsets& offsets : view->unread) RT_RETURN_IF_ERROR(Open(n, offsets));
  const bool all_known =
      std::all_of(view->present.begin(), view->present.end(), [&](const KafkaPartition& p) {
        const auto owner = owners_.find(KafkaIdentity{input.cluster, p}.Encode());
        return input.tags.count(p) > 0 || (owner != owners_.end() && owner->second != n);
      });
  if (input.awaited && all_known) {
    input.awaited = false;
    committer_->Await(n, false);
  }
  return Status::Ok();
}

// What was read and is not there any more, or has nobody who would give it.
void KafkaInputs::NoteGone(size_t n, const KafkaView& view) {
  for (const std::unique_ptr<Partition>& p : inputs_[n].partitions) {
    if (p->gone || !p->stopped.ok()) continue;
    const bool present = std::binary_search(view.present.begin(), view.present.end(), p->name);
    const bool leaderless = std::count(view.leaderless.begin(), view.leaderless.end(), p->name) > 0;
    if (present && (!leaderless || !p->reading)) continue;
    Leave(p.get());
    p->gone = !present;
    unsettled_.push_back(p.get());
    TellOnce(n, p->name.Path() +
                    (present ? " has no leader, so nobody can read it; see which of its brokers is down"
                             : " is not there any more; what was read of it stays"));
  }
}

Result<KafkaInputs::Partition*> KafkaInputs::Find(size_t n, const KafkaPartition& name) {
  Input& input = inputs_[n];
  if (const auto known = input.tags.find(name); known != input.tags.end())
    return input.partitions[known->second].get();
  const KafkaIdentity identity{input.cluster, name};
  const size_t owner = owners_.try_emplace(identity.Encode(), n).first->second;
  if (owner != n) {
    TellOnce(n, "leaves " + name.Path() + " to source `" + options_.inputs[owner].name +
                    "`, which reads it already");
    return nullptr;
  }
  const Result<SourceState> state = committer_->OpenPartition(identity);
  if (!state.ok()) return state.status();
  auto partition = std::make_unique<Partition>();
  partition->input = n;
  partition->name = name;
  partition->id = state->id;
  partition->epoch = state->epoch;
  partition->next_index = partition->expected = state->next_index;
  partition->applied = partition->committed = state->next_index;
  partition->fingerprint = state->cursor;
  input.tags[name] = static_cast<uint32_t>(input.partitions.size());
  input.partitions.push_back(std::move(partition));
  return input.partitions.back().get();
}

// Begins to read a partition, or goes on.
Status KafkaInputs::Open(size_t n, const KafkaOffsets& offsets) {
  Result<Partition*> found = Find(n, offsets.partition);
  if (!found.ok()) return found.status();
  Partition* const p = *found;
  if (p == nullptr || p->reading || (!p->stopped.ok() && !p->retried)) return Status::Ok();
  if (p->draining) {
    inputs_[n].consumer->LookAgain();
    return Status::Ok();
  }
  if (std::exchange(p->gone, false)) {
    const Result<SourceState> again = committer_->OpenPartition({inputs_[n].cluster, p->name});
    if (!again.ok()) return again.status();
  }
  const auto next = static_cast<int64_t>(p->next_index);
  const std::string read = std::to_string(next) + " records of it were read";
  p->expected = p->next_index;
  p->at_end = p->tells_end = false;
  if (next > offsets.high) {
    StopReading(p, read + ", and it ends at offset " + std::to_string(offsets.high) +
                       ": it was made again, or its brokers lost records");
    return Status::Ok();
  }
  if (next > 0 && next < offsets.low) {
    StopReading(p, "its records " + std::to_string(next) + " to " + std::to_string(offsets.low - 1) +
                       " were deleted before they were read: its retention is too short, or redthread was "
                       "away for too long");
    return Status::Ok();
  }
  p->verifying = p->fingerprint != 0 && next > offsets.low;
  const int64_t from = next == 0 ? offsets.low : next - (p->verifying ? 1 : 0);
  const Status status = inputs_[n].consumer->Read(p->name, from, inputs_[n].tags.at(p->name));
  // Tried again after the next look.
  if (status.ok()) p->reading = true;
  if (!status.ok()) TellOnce(n, status.message());
  return Status::Ok();
}

void KafkaInputs::Leave(Partition* p) {
  p->draining |= p->reading;
  const Status status = inputs_[p->input].consumer->Leave(p->name);
  if (!status.ok()) TellOnce(p->input, status.message());
  p->reading = p->verifying = p->at_end = p->tells_end = false;
}

void KafkaInputs::StopReading(Partition* p, const std::string& why) {
  Leave(p);
  ++counts_.stopped;
  p->retried = false;
  p->stopped = Status::Io(p->name.Path() + " is not read any more: " + why +
                          ". To go on with what it holds now, end redthread and run `redthread kafka reset " +
                          p->name.Path() + "`");
  TellOnce(p->input, p->stopped.message());
  unsettled_.push_back(p);
}

// ---- what has arrived

void KafkaInputs::NoteLost(size_t n, const Status& why) {
  Input& input = inputs_[n];
  if (input.state.ok()) input.state_since = clock_->Elapsed();
  input.state = why;
  input.seen = false;
  TellOnce(n, why.message() + "; nothing is lost, reading goes on once they answer");
  for (const std::unique_ptr<Partition>& p : input.partitions) {
    if (!p->reading) continue;
    // What was its end may not be it any more. It is read anew, which tells.
    Leave(p.get());
    unsettled_.push_back(p.get());
  }
  input.consumer->LookAgain();
}

void KafkaInputs::NoteFailure(size_t n, const KafkaRecords::Failure& failure) {
  Input& input = inputs_[n];
  Partition* const p = input.partitions[failure.tag].get();
  if (!p->reading) return;
  if (failure.offset_lost) {
    StopReading(p, "its next record is not there (any more): " + failure.status.message());
    return;
  }
  const std::string path = p->name.Path();
  if (failure.unreadable) {
    StopForNow(
        p, failure.status,
        "A broker's disk is damaged there; another broker's copy may be whole: move the partition's "
        "leadership, and "
        "reading goes on by itself. To give the records up, end redthread and run `redthread kafka reset " +
            path + " --from OFFSET`");
  } else if (failure.status.code() == StatusCode::kDenied) {
    StopForNow(p, failure.status, "Reading goes on by itself then");
  } else {
    TellOnce(n, path + ": " + failure.status.message(), path);
    input.consumer->LookAgain();
  }
}

// It is tried again at every look.
void KafkaInputs::StopForNow(Partition* p, const Status& why, const std::string& what_to_do) {
  Leave(p);
  if (p->stopped.ok()) ++counts_.stopped;
  p->retried = true;
  p->stopped = Status::Io(p->name.Path() + " cannot be read on: " + why.message() + ". " + what_to_do);
  TellOnce(p->input, p->stopped.message(), p->name.Path());
  unsettled_.push_back(p);
}

// Whether the record is the one that was read last. It is not to be read again.
bool KafkaInputs::Verify(Partition* p, const KafkaRecords::Record& record) {
  const auto offset = static_cast<uint64_t>(record.offset);
  if (offset + 1 < p->next_index) return true;
  p->verifying = false;
  // Compaction may have removed it since.
  if (offset >= p->next_index) return false;
  if (FingerprintOf(record) != p->fingerprint)
    StopReading(p, "its record " + std::to_string(offset) +
                       " is another one than was read: it was made again, or its brokers lost records");
  return true;
}

void KafkaInputs::Take(Partition* p, size_t i) {
  const KafkaRecords::Record& record = inputs_[p->input].records->records[i];
  if (!p->reading || (p->verifying && Verify(p, record))) return;
  // On its way from before the partition was left, and read since.
  if (static_cast<uint64_t>(record.offset) < p->expected) return;
  p->expected = static_cast<uint64_t>(record.offset) + 1;
  p->stopped = Status::Ok();  // if it was retried
  p->at_end = p->tells_end = false;
  if (p->pending.empty()) inputs_[p->input].turns.push_back(p);
  p->pending.push_back(i);
}

void KafkaInputs::NoteEnd(Partition* p, int64_t offset) {
  // More was behind it, or it is from before the partition was left.
  if (!p->reading || static_cast<uint64_t>(offset) < p->expected) return;
  p->verifying = false;
  p->at_end = p->tells_end = true;
  if (p->pending.empty()) inputs_[p->input].turns.push_back(p);
}

Result<bool> KafkaInputs::Look() {
  bool any = false;
  for (size_t n = 0; n < inputs_.size(); ++n) {
    Input& input = inputs_[n];
    input.turns.clear();
    input.turn = 0;
    RT_RETURN_IF_ERROR(TakeView(n));
    input.records = &input.consumer->Poll();
    for (const std::unique_ptr<Partition>& p : input.partitions) p->draining &= !input.records->drained;
    for (size_t i = 0; i < input.records->records.size(); ++i)
      Take(input.partitions[input.records->records[i].tag].get(), i);
    for (const auto& [tag, offset] : input.records->at_end) NoteEnd(input.partitions[tag].get(), offset);
    for (const KafkaRecords::Failure& failure : input.records->failures) NoteFailure(n, failure);
    for (const std::string& line : input.records->log) TellOnce(n, line, line.substr(0, line.find(':')));
    if (input.records->lost.has_value()) NoteLost(n, *input.records->lost);
    any |= !input.turns.empty();
    TellPositions(&input);
  }
  return any;
}

void KafkaInputs::Settle() {
  for (const Partition* p : std::exchange(unsettled_, {})) {
    if (p->gone) {
      committer_->ClosePartition(p->id);
    } else {
      committer_->HoldFor(p->id);
    }
  }
}

// ---- batches

bool KafkaInputs::Fill(Batch* batch) {
  for (size_t n = 0; n < inputs_.size(); ++n) {
    Input& input = inputs_[n];
    if (input.turn == input.turns.size()) continue;
    Partition* const p = input.turns[input.turn];
    batch->input = n;
    FillFrom(input, p, batch);
    if (p->filled == p->pending.size()) {
      batch->at_end = std::exchange(p->tells_end, false);
      p->pending.clear();
      p->filled = 0;
      ++input.turn;
    }
    return true;
  }
  return false;
}

void KafkaInputs::FillFrom(const Input& input, Partition* p, Batch* batch) {
  const KafkaInput& configured = options_.inputs[p->input];
  const auto record = [&](size_t i) -> const KafkaRecords::Record& {
    return input.records->records[p->pending[i]];
  };
  const auto text = [&](size_t i) { return record(i).text().substr(0, configured.max_record_bytes); };
  size_t end = p->filled;
  size_t bytes = 0;
  while (end < p->pending.size() && (end == p->filled || bytes < options_.batch_bytes))
    bytes += text(end++).size();
  batch->has_lines = end > p->filled;
  batch->arrival = clock_->Now();
  batch->lines.Begin(bytes);
  batch->origin = {configured.format,          configured.zone.get(), 0, batch->arrival, false,
                   &configured.trusted_proxies};
  for (; p->filled < end; ++p->filled) {
    const KafkaRecords::Record& next = record(p->filled);
    const size_t whole = next.text().size();
    if (next.value.empty()) ++counts_.tombstones;
    batch->lines.Add(text(p->filled), static_cast<uint64_t>(next.offset),
                     whole > configured.max_record_bytes ? whole : 0);
    p->next_index = static_cast<uint64_t>(next.offset) + 1;
    if (next.written.has_value()) batch->origin.written = std::min(batch->arrival, *next.written);
    if (p->filled + 1 == end) p->fingerprint = FingerprintOf(next);
  }
  batch->kind = SourceKind::kPartition;
  batch->at_end = false;
  batch->declared = input.declared;
  batch->source_id = p->id;
  batch->source = {};
  batch->source.number = inputs_[p->input].tags.at(p->name);
  batch->source.progress.epoch = p->epoch;
  batch->source.progress.next_index = p->next_index;
  batch->source.progress.cursor = p->fingerprint;
  batch->copies.clear();
  batch->ended.clear();
}

// ---- positions

void KafkaInputs::Applied(const Batch& batch) {
  if (batch.kind != SourceKind::kPartition) return;
  inputs_[batch.input].partitions[batch.source.number]->applied = batch.source.progress.next_index;
}

void KafkaInputs::Committed() {
  for (Input& input : inputs_) {
    for (const std::unique_ptr<Partition>& p : input.partitions) p->committed = p->applied;
  }
}

void KafkaInputs::TellPositions(Input* input) const {
  if (!input->state.ok() || clock_->Elapsed() - input->told_at < options_.tell_interval) return;
  input->told_at = clock_->Elapsed();
  std::vector<std::pair<KafkaPartition, int64_t>> positions;
  for (const std::unique_ptr<Partition>& p : input->partitions) {
    if (p->committed == p->told || !p->reading) continue;
    p->told = p->committed;
    positions.emplace_back(p->name, static_cast<int64_t>(p->committed));
  }
  input->consumer->TellPositions(positions);
}

void KafkaInputs::Stop() {
  for (Input& input : inputs_) {
    if (!input.state.ok() || !input.seen) continue;
    input.told_at = clock_->Elapsed() - options_.tell_interval;
    TellPositions(&input);
    input.consumer->FinishTelling(kTellingTime);
  }
}

// ---- the end

bool KafkaInputs::CanBeWaitedFor(const Input& input) const {
  if (input.state.ok()) return true;
  return input.state.code() != StatusCode::kDenied && clock_->Elapsed() - input.state_since <= kPatience;
}

bool KafkaInputs::at_end() const {
  return unsettled_.empty() && std::all_of(inputs_.begin(), inputs_.end(), [this](const Input& input) {
           if (!CanBeWaitedFor(input)) return true;
           return input.seen && !input.awaited &&
                  std::all_of(input.partitions.begin(), input.partitions.end(),
                              [](const auto& p) { return p->at_end || p->gone || !p->stopped.ok(); });
         });
}

Status KafkaInputs::failure() const {
  for (size_t n = 0; n < inputs_.size(); ++n) {
    const Input& input = inputs_[n];
    const auto named = [&](const Status& why) {
      return Status(why.code(), "source `" + options_.inputs[n].name + "`: " + why.message());
    };
    if (!CanBeWaitedFor(input)) return named(input.state);
    for (const std::unique_ptr<Partition>& p : input.partitions) {
      if (!p->stopped.ok()) return named(p->stopped);
    }
    if (!input.missing.empty())
      return named(Status::Unavailable("there is no topic `" + *input.missing.begin() + "`"));
  }
  return Status::Ok();
}

}  // namespace redthread
