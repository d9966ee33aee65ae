#include "runtime/batch_workers.h"

#include <algorithm>
#include <cassert>

namespace redthread {

namespace {

// Two batches a worker keep all busy while results are committed; a few more even out long and short ones.
size_t RingSize(int jobs) { return 2 * static_cast<size_t>(jobs) + 2; }

}  // namespace

BatchWorkers::BatchWorkers(std::shared_ptr<const Engine> engine, int jobs)
    : ring_(RingSize(std::max(jobs, 1))), engine_(std::move(engine)) {
  for (int n = jobs; n > 0; --n) threads_.emplace_back([this] { Work(); });
}

BatchWorkers::~BatchWorkers() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

// ---- the caller

Batch* BatchWorkers::Free() {
  const std::lock_guard lock(mutex_);
  return submitted_ - popped_ < ring_.size() ? &slot(submitted_).batch : nullptr;
}

void BatchWorkers::Submit() {
  if (threads_.empty()) {
    Slot& next = slot(submitted_++);
    if (tools_ == nullptr) tools_ = std::make_unique<Tools>(engine_);
    Run(tools_.get(), &packer_, &next.batch);
    next.done = true;
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    slot(submitted_).done = false;
    ++submitted_;
  }
  work_.notify_one();
}

Batch* BatchWorkers::Front(bool wait) {
  std::unique_lock lock(mutex_);
  if (popped_ == submitted_) return nullptr;
  Slot& front = slot(popped_);
  if (!wait && !front.done) return nullptr;
  done_.wait(lock, [&front] { return front.done; });
  return &front.batch;
}

void BatchWorkers::Pop() { ++popped_; }

void BatchWorkers::SetEngine(std::shared_ptr<const Engine> engine) {
  std::unique_lock lock(mutex_);
  assert(popped_ == submitted_);
  engine_.swap(engine);
  tools_.reset();
  work_.notify_all();
  done_.wait(lock, [this] { return holders_ == 0; });
  lock.unlock();  // if this was the last reference to the old one, it goes here, outside of the lock
}

// ---- a worker

void BatchWorkers::Work() {
  std::unique_ptr<Tools> tools;
  EventStore packer;
  std::unique_lock lock(mutex_);
  const auto is_old = [&] { return tools != nullptr && &tools->pipeline.engine() != engine_.get(); };
  for (;;) {
    work_.wait(lock, [&] { return stopping_ || started_ < submitted_ || is_old(); });
    if (stopping_) return;
    if (is_old()) {
      // A new set has nothing in flight yet, so nobody waits for this worker but SetEngine.
      tools.reset();
      if (--holders_ == 0) done_.notify_one();
      continue;
    }
    const uint64_t number = started_++;
    Batch* batch = &slot(number).batch;
    if (tools == nullptr) ++holders_;
    const std::shared_ptr<const Engine> engine = engine_;
    lock.unlock();
    if (tools == nullptr) tools = std::make_unique<Tools>(engine);
    Run(tools.get(), &packer, batch);
    lock.lock();
    slot(number).done = true;
    done_.notify_one();
  }
}

void BatchWorkers::Run(Tools* tools, EventStore* packer, Batch* batch) {
  batch->events.clear();
  batch->formats = {};
  batch->fields.clear();
  batch->disbelieved.clear();
  batch->imperfect.clear();
  batch->matched.clear();
  batch->correlated.clear();
  if (!batch->has_lines) return;
  const uint64_t without_group = tools->extractor.without_group();
  for (size_t n = 0; n < batch->lines.records.size(); ++n) RunRecord(tools, n, batch);
  batch->without_group = tools->extractor.without_group() - without_group;
  if (!batch->keep) return;
  batch->failure =
      packer->Pack(batch->source_id, batch->source.progress.epoch, batch->events, &batch->packed);
}

void BatchWorkers::RunRecord(Tools* tools, size_t n, Batch* batch) {
  Pipeline* pipeline = &tools->pipeline;
  const RecordBatch::Record& record = batch->lines.records[n];
  const Position position{batch->source_id, batch->source.progress.epoch, record.index, record.cursor};
  const Timestamp arrival = batch->ArrivalOf(n);
  const DecodeResult decoded = pipeline->Process(record.text(), batch->declared, position, arrival,
                                                 batch->origin, batch->ToldTimeOf(n));
  if (decoded.assumed_year != 0) batch->lines.counts.years.Add(decoded.assumed_year);
  if (record.cut_from > 0 || decoded.outcome != DecodeOutcome::kClean)
    batch->imperfect.push_back({n, decoded});
  ++batch->formats[static_cast<size_t>(decoded.format)];
  const Event& event = pipeline->event();
  batch->events.push_back({record.index, event.time, arrival, record.text()});
  if (event.disbelieved.has_value()) batch->disbelieved.push_back({n, *event.disbelieved});
  if (batch->keep && FieldSampler::Wants(n)) tools->sampler.Sample(batch->source_id, event, &batch->fields);
  if (pipeline->matches().empty()) return;
  const Hash128 raw_hash = HashBytes(record.text());
  batch->matched.push_back({n, event.time, raw_hash, pipeline->Entities(), pipeline->matches()});
  if (!event.time.has_value()) return;
  for (const RuleIndex rule : pipeline->matches()) {
    tools->extractor.Extract(event, raw_hash, rule,
                             [batch](CorrelationIndex i, const Texts& group, const CorrelationMatch& match) {
                               batch->correlated.push_back({i, group, match});
                             });
  }
}

}  // namespace redthread
