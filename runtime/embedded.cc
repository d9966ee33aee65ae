#include "runtime/embedded.h"

#include <algorithm>
#include <thread>

#include "ingest/file_identity.h"
#include "ingest/input_list.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace redthread {

namespace {

// How often idle inputs are looked at.
constexpr auto kPollInterval = std::chrono::milliseconds(20);

int JobsOf(const Embedded::Options& options) {
  if (options.jobs > 0) return options.jobs;
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

}  // namespace

Embedded::Embedded(std::shared_ptr<const Engine> engine, Options options, Clock* clock)
    : options_(std::move(options)), clock_(clock), workers_(std::move(engine), JobsOf(options_)) {}

Embedded::~Embedded() = default;

Result<std::unique_ptr<Embedded>> Embedded::Open(std::shared_ptr<const Engine> engine, Options options,
                                                 Clock* clock) {
  Committer::Options committer;
  committer.data_dir = options.data_dir;
  committer.inputs = options.inputs.size();
  committer.max_stored_senders = options.max_stored_senders;
  committer.group_memory_bytes = options.group_memory_bytes;
  committer.commit_interval = options.commit_interval;
  committer.commit_records = options.commit_records;
  committer.on_problem = options.on_problem;
  // Filled in once there is somebody to tell.
  auto on_commit = std::make_shared<std::function<void()>>([] {});
  committer.on_commit = [on_commit] { (*on_commit)(); };
  Result<std::unique_ptr<Committer>> opened = Committer::Open(engine, std::move(committer), clock);
  if (!opened.ok()) return opened.status();
  std::unique_ptr<Embedded> embedded(new Embedded(std::move(engine), std::move(options), clock));
  embedded->committer_ = std::move(*opened);
  RT_RETURN_IF_ERROR(embedded->StartListening());
  RT_RETURN_IF_ERROR(embedded->StartKafka());
  RT_RETURN_IF_ERROR(embedded->StartJournals());
  *on_commit = [pushed = embedded->pushed_.get(), kafka = embedded->kafka_.get()] {
    pushed->Committed();
    kafka->Committed();
  };
  embedded->OpenTails();
  return embedded;
}

Status Embedded::StartListening() {
  PushedInputs::Options options;
  options.inputs = options_.listeners;
  options.idle_after = options_.idle_after;
  options.max_senders = options_.max_senders;
  options.batch_bytes = options_.batch_bytes;
  options.on_problem = options_.on_problem;
  Result<std::unique_ptr<PushedInputs>> pushed =
      PushedInputs::Start(std::move(options), committer_.get(), clock_);
  if (!pushed.ok()) return pushed.status();
  pushed_ = std::move(*pushed);
  return Status::Ok();
}

Status Embedded::StartKafka() {
  KafkaInputs::Options options;
  options.inputs = options_.kafka;
  options.batch_bytes = options_.batch_bytes;
  options.refresh_interval = options_.topic_refresh_interval;
  options.on_problem = options_.on_problem;
  Result<std::unique_ptr<KafkaInputs>> kafka =
      KafkaInputs::Start(std::move(options), committer_.get(), clock_);
  if (!kafka.ok()) return kafka.status();
  kafka_ = std::move(*kafka);
  return Status::Ok();
}

Status Embedded::StartJournals() {
  JournalInputs::Options options;
  options.inputs = options_.journals;
  options.batch_bytes = options_.batch_bytes;
  options.on_problem = options_.on_problem;
  Result<std::unique_ptr<JournalInputs>> journals =
      JournalInputs::Start(std::move(options), committer_.get(), clock_);
  if (!journals.ok()) return journals.status();
  journals_ = std::move(*journals);
  return Status::Ok();
}

void Embedded::OpenTails() {
  for (const FileInput& input : options_.inputs) {
    for (const std::string& pattern : input.patterns) {
      if (options_.on_problem && ExpandInputs({pattern}).paths.empty())
        options_.on_problem("source `" + input.name + "`: nothing matches " + pattern +
                            " yet; it is awaited");
    }
    FileTail::Options options;
    options.patterns = input.patterns;
    options.reader.batch_bytes = options_.batch_bytes;
    tails_.emplace_back().files = std::make_unique<FileTail>(options, committer_->known(), clock_);
  }
  DeclareInputs();
}

void Embedded::DeclareInputs() {
  for (size_t input = 0; input < tails_.size(); ++input)
    tails_[input].declared = workers_.engine()->facts()->Declare(options_.inputs[input].log_source);
  pushed_->Declare(workers_.engine()->facts());
  kafka_->Declare(workers_.engine()->facts());
  journals_->Declare(workers_.engine()->facts());
}

// Files that are there at the start hold the watermark until they have been read, whichever comes first.
Status Embedded::FindFiles() {
  for (size_t input = 0; input < tails_.size(); ++input) {
    for (const FileTail::Source& source : tails_[input].files->Find()) {
      if (Owns(input, source)) RT_RETURN_IF_ERROR(committer_->Found(input, source));
    }
  }
  return Status::Ok();
}

// ---- reading

Result<Batch*> Embedded::FreeBatch() {
  Batch* batch = workers_.Free();
  for (; batch == nullptr; batch = workers_.Free()) {
    if (const Result<bool> applied = ApplyNext(true); !applied.ok()) return applied.status();
  }
  return batch;
}

Result<bool> Embedded::Poll(size_t input) {
  Tail& tail = tails_[input];
  const Result<Batch*> free = FreeBatch();
  if (!free.ok()) return free.status();
  Batch* const batch = *free;
  batch->origin = {};
  batch->kind = SourceKind::kFile;
  batch->at_end = false;
  const bool more = tail.files->Poll(&batch->lines, &batch->source);
  TellProblems(&tail);
  batch->input = input;
  batch->has_lines = more && Owns(input, batch->source);
  if (batch->has_lines) {
    const Result<SourceId> id = committer_->IdOf(input, batch->source);
    if (!id.ok()) return id.status();
    batch->source_id = *id;
  }
  batch->declared = tail.declared;
  batch->arrival = clock_->Now();
  batch->origin.format = options_.inputs[input].format;
  batch->origin.zone = options_.inputs[input].zone.get();
  batch->origin.trusted_proxies = &options_.inputs[input].trusted_proxies;
  // A file that lay there for a year before it was read.
  batch->origin.written =
      batch->has_lines
          ? std::min(batch->arrival, ModifiedAt(batch->source.progress.path).value_or(batch->arrival))
          : batch->arrival;
  batch->copies = tail.files->TakeProgress();
  batch->ended = tail.files->TakeEnded();
  DropNotOwned(input, &batch->copies);
  DropNotOwned(input, &batch->ended);
  if (batch->has_lines || !batch->copies.empty() || !batch->ended.empty()) workers_.Submit();
  return more;
}

Result<bool> Embedded::PollPushed() {
  const Result<bool> any = pushed_->Look();
  if (!any.ok()) return any.status();
  for (bool more = *any; more;) {
    const Result<Batch*> batch = FreeBatch();
    if (!batch.ok()) return batch.status();
    more = pushed_->Fill(*batch);
    if (more) workers_.Submit();
  }
  if (pushed_->SilentDue()) RT_RETURN_IF_ERROR(TellSilent());
  return *any;
}

Result<bool> Embedded::PollKafka() {
  const Result<bool> any = kafka_->Look();
  if (!any.ok()) return any.status();
  for (bool more = *any; more;) {
    const Result<Batch*> batch = FreeBatch();
    if (!batch.ok()) return batch.status();
    more = kafka_->Fill(*batch);
    if (more) workers_.Submit();
  }
  if (kafka_->SettleDue()) {
    RT_RETURN_IF_ERROR(Drain());
    kafka_->Settle();
  }
  return *any;
}

Result<bool> Embedded::PollJournals() {
  const Result<Batch*> batch = FreeBatch();
  if (!batch.ok()) return batch.status();
  const Result<bool> more = journals_->Poll(*batch);
  if (!more.ok()) return more.status();
  if (*more) workers_.Submit();
  if (!journals_->SettleDue()) return *more;
  RT_RETURN_IF_ERROR(Drain());
  RT_RETURN_IF_ERROR(journals_->Settle());
  return true;
}

Status Embedded::TellSilent() {
  RT_RETURN_IF_ERROR(Drain());
  return committer_->FallSilent(pushed_->TakeSilent());
}

Status Embedded::StopListening() {
  pushed_->Stop();
  const Result<bool> any = PollPushed();
  if (!any.ok()) return any.status();
  return Drain();
}

// Whether the file is read for this input. If not, that is told once.
bool Embedded::Owns(size_t input, const FileTail::Source& source) {
  const FileIdentity& identity = source.progress.identity;
  size_t& owner = owners_.try_emplace({identity.device, identity.inode}, input).first->second;
  if (!tails_[owner].files->Has(identity)) owner = input;
  if (owner == input) return true;
  if (tails_[input].not_owned.insert(source.number).second && options_.on_problem) {
    options_.on_problem(source.progress.path + ": source `" + options_.inputs[input].name +
                        "` leaves it to source `" + options_.inputs[owner].name +
                        "`, which reads it already");
  }
  return false;
}

void Embedded::DropNotOwned(size_t input, std::vector<FileTail::Source>* sources) {
  std::erase_if(*sources, [&](const FileTail::Source& source) { return !Owns(input, source); });
}

void Embedded::TellProblems(Tail* tail) {
  for (const Status& problem : tail->files->TakeProblems()) {
    input_lost_ = true;
    if (options_.on_problem) options_.on_problem(problem.message());
  }
}

// ---- applying

Result<bool> Embedded::ApplyNext(bool wait) {
  const Batch* batch = workers_.Front(wait);
  if (batch == nullptr) return false;
  RT_RETURN_IF_ERROR(committer_->Apply(*batch));
  pushed_->Applied(*batch);
  kafka_->Applied(*batch);
  workers_.Pop();
  RT_RETURN_IF_ERROR(committer_->CommitIfDue(workers_.Front(false) != nullptr));
  return true;
}

Status Embedded::Drain() {
  for (;;) {
    const Result<bool> applied = ApplyNext(true);
    if (!applied.ok() || !*applied) return applied.status();
  }
}

// ---- rules

// A new snapshot begins at a batch number: what was read before runs on the old one to its end.
Status Embedded::TakeNextEngine() {
  std::shared_ptr<const Engine> engine = options_.next_engine ? options_.next_engine() : nullptr;
  if (engine == nullptr) return Status::Ok();
  RT_RETURN_IF_ERROR(Drain());
  RT_RETURN_IF_ERROR(committer_->SetEngine(engine));
  workers_.SetEngine(std::move(engine));
  DeclareInputs();
#if defined(__GLIBC__)
  // The old set is gone; without this its memory would stay with the allocator.
  malloc_trim(0);
#endif
  return Status::Ok();
}

// ---- the loop

Status Embedded::Run(const std::atomic<bool>& stop) {
  Status status = FindFiles();
  if (status.ok()) status = ReadOn(stop);
  static_cast<Committer::Report&>(report_) = committer_->report();
  report_.listeners = pushed_->counts();
  report_.http = pushed_->http_counts();
  report_.kafka = kafka_->counts();
  report_.journals = journals_->counts();
  report_.input_lost |= input_lost_ || report_.journals.removed > 0 || report_.journals.unreadable > 0;
  return status;
}

Status Embedded::ReadOn(const std::atomic<bool>& stop) {
  bool finishing = false;
  while (!stop) {
    RT_RETURN_IF_ERROR(TakeNextEngine());
    bool any = false;
    for (size_t input = 0; input < tails_.size(); ++input) {
      const Result<bool> more = Poll(input);
      if (!more.ok()) return more.status();
      any |= *more;
    }
    const Result<bool> pushed = PollPushed();
    if (!pushed.ok()) return pushed.status();
    any |= *pushed;
    const Result<bool> topics = PollKafka();
    if (!topics.ok()) return topics.status();
    any |= *topics;
    const Result<bool> journals = PollJournals();
    if (!journals.ok()) return journals.status();
    any |= *journals;
    for (Result<bool> applied = true; *applied;) {
      applied = ApplyNext(false);
      if (!applied.ok()) return applied.status();
    }
    RT_RETURN_IF_ERROR(committer_->SealIfDue());
    if (any) continue;
    RT_RETURN_IF_ERROR(Drain());
    const bool at_end = options_.until_idle && kafka_->at_end();
    if (at_end && !kafka_->failure().ok()) return GiveUp(kafka_->failure());
    if (!at_end || !pushed_->quiet()) {
      RT_RETURN_IF_ERROR(committer_->Idle());
      std::this_thread::sleep_for(kPollInterval);
      continue;
    }
    if (finishing) {
      RT_RETURN_IF_ERROR(committer_->Finish());
      kafka_->Stop();
      return Status::Ok();
    }
    finishing = true;
    RT_RETURN_IF_ERROR(StopListening());
    for (Tail& tail : tails_) tail.files->Finish();
    journals_->Finish();
  }
  return GiveUp(Status::Ok());
}

// What was read is kept, and nothing is concluded from its end.
Status Embedded::GiveUp(const Status& why) {
  RT_RETURN_IF_ERROR(StopListening());
  RT_RETURN_IF_ERROR(committer_->Commit());
  kafka_->Stop();
  return why;
}

}  // namespace redthread
