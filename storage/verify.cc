#include "storage/verify.h"

#include <map>
#include <optional>
#include <utility>

#include "storage/alert_store.h"
#include "storage/counter.h"
#include "storage/dead_letter_store.h"
#include "storage/event_index.h"
#include "storage/event_store.h"
#include "storage/key.h"
#include "storage/outbox.h"
#include "storage/row.h"
#include "storage/source_registry.h"

namespace redthread {

void VerifyReport::Note(std::string problem) {
  if (problems++ < kMaxProblems) first_problems.push_back(std::move(problem));
}

namespace {

// One walk over the database. Each step adds to the report; a Status means that the walk could not go on.
class Verifier {
 public:
  Verifier(const StateReader* reader, VerifyReport* report) : reader_(reader), report_(report) {}
  Status Run();

 private:
  struct SourceEvents {
    uint64_t tail_rows = 0;
    uint64_t tail_bytes = 0;
  };
  // Where the reading of a source stands; the record before which everything stored must lie.
  using ReadUpTo = std::pair<uint32_t, uint64_t>;

  Status CountRows();
  Status CheckSources();
  Status CheckBlocks(char kind);
  void CheckBlock(char kind, std::string_view key, std::string_view row);
  void CheckIndexed(const IndexedBlock& block);
  Status CheckOverlap();
  Status CheckEnds();
  void CheckEnd(std::string_view key, std::string_view row);
  Status CheckTimeIndex();
  Status CheckAlerts();
  Status CheckOutbox();
  Status CheckDeadLetters();
  void CheckRead(SourceId source, uint32_t epoch, uint64_t index, const std::string& what);

  // Turns an expected kind of failure into a problem; true when the caller may go on.
  bool Good(const Status& status) {
    if (!status.ok()) report_->Note(status.message());
    return status.ok();
  }
  Status Each(ColumnFamily family, char kind,
              const std::function<void(std::string_view, std::string_view)>& check) {
    return reader_->Scan(family, {&kind, 1}, PrefixEnd({&kind, 1}),
                         [&](std::string_view key, std::string_view value) {
                           check(key, value);
                           return true;
                         });
  }
  void NoteDamage(const Damage& damage) {
    if (damage.rows == 0) return;
    report_->Note(damage.first.message());
    report_->problems += damage.rows - 1;
  }

  const StateReader* reader_;
  VerifyReport* report_;
  EventBlockCodec codec_;
  std::map<SourceId, ReadUpTo> read_up_to_;
  std::map<SourceId, SourceEvents> tails_;
};

std::string Name(SourceId source, uint32_t epoch, uint64_t index) {
  return "source " + std::to_string(source) + ", epoch " + std::to_string(epoch) + ", record " +
         std::to_string(index);
}

Status Verifier::Run() {
  RT_RETURN_IF_ERROR(CountRows());
  RT_RETURN_IF_ERROR(CheckSources());
  RT_RETURN_IF_ERROR(CheckBlocks(kBlockRow));
  RT_RETURN_IF_ERROR(CheckBlocks(kTailRow));
  RT_RETURN_IF_ERROR(CheckOverlap());
  RT_RETURN_IF_ERROR(CheckEnds());
  RT_RETURN_IF_ERROR(CheckTimeIndex());
  RT_RETURN_IF_ERROR(CheckAlerts());
  RT_RETURN_IF_ERROR(CheckOutbox());
  return CheckDeadLetters();
}

Status Verifier::CountRows() {
  for (size_t i = 0; i < kColumnFamilies; ++i) {
    const auto count = [&](std::string_view, std::string_view) { return ++report_->rows[i] > 0; };
    const Status scanned = reader_->Scan(static_cast<ColumnFamily>(i), {}, {}, count);
    if (scanned.code() != StatusCode::kCorrupt) {
      RT_RETURN_IF_ERROR(scanned);
    } else {
      report_->Note(std::string("column family ") + ColumnFamilyName(static_cast<ColumnFamily>(i)) + ": " +
                    scanned.message());
    }
  }
  return Status::Ok();
}

Status Verifier::CheckSources() {
  Result<uint64_t> given = LastNumber(*reader_, "source");
  if (!Good(given.status())) given = ~uint64_t{0};
  Damage damage;
  const auto check = [&](const SourceState& state) {
    ++report_->sources;
    read_up_to_[state.id] = {state.epoch, state.next_index};
    if (state.id > *given) report_->Note("source " + std::to_string(state.id) + " was never given out");
    Result<std::optional<SourceState>> found = FindSource(*reader_, state.identity);
    if (Good(found.status()) && (!*found || (*found)->id != state.id)) {
      report_->Note("source " + std::to_string(state.id) + " is not found by its identity");
    }
    return true;
  };
  RT_RETURN_IF_ERROR(ForEachSource(*reader_, check, &damage));
  NoteDamage(damage);
  uint64_t identities = 0;
  RT_RETURN_IF_ERROR(Each(ColumnFamily::kSource, 'i', [&](std::string_view key, std::string_view value) {
    identities += Good(OpenRow("source", key, value).status());
  }));
  if (identities > report_->sources + damage.rows) report_->Note("there are more identities than sources");
  return Status::Ok();
}

// Whatever is stored was read first, and the position was stored with it.
void Verifier::CheckRead(SourceId source, uint32_t epoch, uint64_t index, const std::string& what) {
  const auto at = read_up_to_.find(source);
  if (at == read_up_to_.end()) {
    report_->Note(what + " belongs to no known source");
  } else if (ReadUpTo{epoch, index} >= at->second) {
    report_->Note(what + " lies behind the position up to which its source was read, epoch " +
                  std::to_string(at->second.first) + ", record " + std::to_string(at->second.second));
  }
}

void Verifier::CheckIndexed(const IndexedBlock& block) {
  const std::string key = block.Key();
  const BlockAddress& a = block.address;
  std::string row;
  const Status found = reader_->Get(ColumnFamily::kEvent, key, &row);
  IndexedBlock indexed = block;
  if (!found.ok()) {
    report_->Note("the block at " + Name(a.source, a.epoch, a.first) + " is not in the time index");
  } else if (Good(IndexedBlock::ParseValue(key, row, &indexed)) &&
             (indexed.max_time != block.max_time || indexed.count != block.count)) {
    report_->Note("the block at " + Name(a.source, a.epoch, a.first) +
                  " is in the time index with a wrong time or count");
  }
}

void Verifier::CheckBlock(char kind, std::string_view key, std::string_view row) {
  BlockAddress address;
  if (!BlockAddress::Parse(kind, key, &address)) {
    return report_->Note(DamagedRow("event", key, "its key cannot be read").message());
  }
  std::string text;
  std::vector<EventRecord> records;
  if (!Good(codec_.Decode(key, address.first, row, &text, &records))) return;
  const Result<EventBlockHead> head = EventBlockCodec::ReadHead(key, row);
  Timestamp min_time = Timestamp::Max(), max_time = Timestamp::Min();
  for (const EventRecord& record : records) {
    min_time = std::min(min_time, record.stored_time());
    max_time = std::max(max_time, record.stored_time());
  }
  const std::string name = "the block at " + Name(address.source, address.epoch, address.first);
  if (min_time != head->min_time || max_time != head->max_time) report_->Note(name + " misstates its times");
  if (records.front().index != address.first) report_->Note(name + " begins with another record");
  CheckRead(address.source, address.epoch, head->last, name);
  report_->events += records.size();
  report_->event_bytes += text.size();
  if (kind == kBlockRow) {
    CheckIndexed({min_time, max_time, head->count, address});
  } else {
    ++tails_[address.source].tail_rows;
    tails_[address.source].tail_bytes += text.size();
  }
}

Status Verifier::CheckBlocks(char kind) {
  return Each(ColumnFamily::kEvent, kind,
              [&](std::string_view key, std::string_view row) { CheckBlock(kind, key, row); });
}

// Rows of both kinds, in one order, must follow one another.
Status Verifier::CheckOverlap() {
  std::map<BlockAddress, uint64_t> spans;  // to the last record; of one source at a time
  const auto check = [&] {
    const std::pair<const BlockAddress, uint64_t>* before = nullptr;
    for (const auto& span : spans) {
      if (before != nullptr && before->first.epoch == span.first.epoch &&
          before->second >= span.first.first) {
        report_->Note("two rows hold " + Name(span.first.source, span.first.epoch, span.first.first));
      }
      before = &span;
    }
    spans.clear();
  };
  for (const auto& [source, position] : read_up_to_) {
    for (char kind : {kBlockRow, kTailRow}) {
      const std::string prefix = KeyWriter(kind).U32(source).str();
      RT_RETURN_IF_ERROR(reader_->Scan(
          ColumnFamily::kEvent, prefix, PrefixEnd(prefix), [&](std::string_view key, std::string_view row) {
            BlockAddress address;
            const Result<EventBlockHead> head = EventBlockCodec::ReadHead(key, row);
            if (head.ok() && BlockAddress::Parse(kind, key, &address) &&
                !spans.emplace(address, head->last).second) {
              report_->Note("two rows hold " + Name(address.source, address.epoch, address.first));
            }
            return true;
          }));
    }
    check();
  }
  return Status::Ok();
}

void Verifier::CheckEnd(std::string_view key, std::string_view row) {
  KeyReader parts(key);
  SourceId source;
  SourceEnd end;
  if (!parts.Kind(kSourceEndRow) || !parts.U32(&source) || !parts.Done()) {
    return report_->Note(DamagedRow("event", key, "its key cannot be read").message());
  }
  if (!Good(SourceEnd::Parse(key, row, &end))) return;
  const std::string name = "what is kept of source " + std::to_string(source);
  if (end.next_index > 0) CheckRead(source, end.epoch, end.next_index - 1, name);
  const SourceEvents tail = tails_[source];
  tails_.erase(source);
  if (tail.tail_rows != end.tail_rows || tail.tail_bytes != end.tail_bytes) {
    report_->Note(name + " misstates its tail: " + std::to_string(end.tail_rows) + " rows of " +
                  std::to_string(end.tail_bytes) + " bytes, there are " + std::to_string(tail.tail_rows) +
                  " of " + std::to_string(tail.tail_bytes));
  }
}

Status Verifier::CheckEnds() {
  RT_RETURN_IF_ERROR(Each(ColumnFamily::kEvent, kSourceEndRow,
                          [&](std::string_view key, std::string_view row) { CheckEnd(key, row); }));
  for (const auto& [source, tail] : tails_) {
    report_->Note("source " + std::to_string(source) + " has tail rows but no end of what is kept");
  }
  return Status::Ok();
}

Status Verifier::CheckTimeIndex() {
  return Each(ColumnFamily::kEvent, kTimeIndexRow, [&](std::string_view key, std::string_view row) {
    IndexedBlock block;
    if (!IndexedBlock::ParseKey(key, &block)) {
      return report_->Note(DamagedRow("time index", key, "its key cannot be read").message());
    }
    if (!Good(IndexedBlock::ParseValue(key, row, &block))) return;
    std::string value;
    const Status found = reader_->Get(ColumnFamily::kEvent, block.address.Key(kBlockRow), &value);
    if (!found.ok()) {
      const BlockAddress& a = block.address;
      report_->Note("the time index names a block at " + Name(a.source, a.epoch, a.first) +
                    " that is not there");
    }
  });
}

Status Verifier::CheckAlerts() {
  // By time: every index row leads to its alert.
  Damage damage;
  const auto count = [&](const Alert&) { return ++report_->alerts > 0; };
  RT_RETURN_IF_ERROR(ForEachAlert(*reader_, {}, count, &damage));
  NoteDamage(damage);
  // As many alerts as index rows: then every alert is in the index.
  uint64_t rows = 0;
  RT_RETURN_IF_ERROR(Each(ColumnFamily::kAlert, 'a', [&](std::string_view, std::string_view) { ++rows; }));
  if (rows != report_->alerts + damage.rows) report_->Note("there are alerts that are not in the time index");
  return Each(ColumnFamily::kAlert, 't', [&](std::string_view key, std::string_view value) {
    Good(OpenRow("alert", key, value).status());
  });
}

Status Verifier::CheckOutbox() {
  Result<uint64_t> given = LastNumber(*reader_, "outbox");
  if (!Good(given.status())) given = ~uint64_t{0};
  Damage damage;
  const auto check = [&](const OutboxItem& item) {
    ++report_->outbox_items;
    const std::string name = "outbox item " + std::to_string(item.sequence);
    if (item.sequence > *given) report_->Note(name + " has a number that was never given out");
    Result<Alert> alert = GetAlert(*reader_, item.alert_id);
    if (!alert.ok()) {
      report_->Note(name + ": " + alert.status().message());
    } else if (item.revision == 0 || item.revision > alert->revision) {
      report_->Note(name + " tells of revision " + std::to_string(item.revision) + " of alert " + alert->id +
                    ", which is at " + std::to_string(alert->revision));
    }
    return true;
  };
  RT_RETURN_IF_ERROR(ForEachOutboxItem(*reader_, 0, check, &damage));
  NoteDamage(damage);
  return Status::Ok();
}

Status Verifier::CheckDeadLetters() {
  Damage damage;
  const auto check = [&](const StoredDeadLetter& letter) {
    ++report_->dead_letters;
    const Position& p = letter.position;
    CheckRead(p.source, p.epoch, p.index, "the dead letter of " + Name(p.source, p.epoch, p.index));
    return true;
  };
  RT_RETURN_IF_ERROR(ForEachDeadLetter(*reader_, std::nullopt, check, &damage));
  NoteDamage(damage);
  return Status::Ok();
}

}  // namespace

Status VerifyDatabase(const StateReader& reader, VerifyReport* report) {
  *report = {};
  RT_RETURN_IF_ERROR(Verifier(&reader, report).Run());
  if (report->problems == 0) return Status::Ok();
  return Status::Corrupt(std::to_string(report->problems) +
                         " problems in the state; the first: " + report->first_problems.front());
}

}  // namespace redthread
