#include "runtime/journal_inputs.h"

#include <unistd.h>

#include <algorithm>

namespace redthread {

namespace {

// Looks at which a file that is written to has more than can be read, until it is opened anew, and until that
// is told and nobody waits for it.
constexpr int kReopenAfter = 2, kTellAfter = 10;

std::string Words(const std::vector<std::string>& folders) {
  std::string words;
  for (const std::string& folder : folders) words += (words.empty() ? "" : " or ") + folder;
  return words;
}

bool IsBelow(const std::string& path, const std::vector<std::string>& folders) {
  return std::any_of(folders.begin(), folders.end(), [&](const std::string& folder) {
    return path.compare(0, folder.size() + 1, folder + "/") == 0;
  });
}

// Entries from `next` on, at most: where several files are numbered together, there are gaps.
uint64_t LeftIn(const JournalFile& file, uint64_t next) {
  return file.last < next ? 0 : std::min(file.last - next + 1, file.entries);
}

std::string EntriesOf(uint64_t n) { return std::to_string(n) + (n == 1 ? " entry" : " entries"); }

}  // namespace

JournalInputs::JournalInputs(Options options, Committer* committer, Clock* clock)
    : options_(std::move(options)), committer_(committer), clock_(clock), inputs_(options_.inputs.size()) {}

Result<std::unique_ptr<JournalInputs>> JournalInputs::Start(Options options, Committer* committer,
                                                            Clock* clock) {
  std::unique_ptr<JournalInputs> inputs(new JournalInputs(std::move(options), committer, clock));
  for (size_t n = 0; n < inputs->inputs_.size(); ++n) {
    const Status started = inputs->StartInput(n);
    if (!started.ok())
      return Status(started.code(), "source `" + inputs->options_.inputs[n].name + "`: " + started.message());
  }
  inputs->scanned_ = clock->Elapsed();
  RT_RETURN_IF_ERROR(inputs->Settle());
  return inputs;
}

Status JournalInputs::StartInput(size_t n) {
  const std::vector<std::string>& folders = options_.inputs[n].folders;
  const JournalFolder found = FindJournalFiles(folders);
  if (found.files.empty()) {
    for (const Status& problem : found.problems) {
      if (problem.code() != StatusCode::kDenied) continue;
      return Status::Denied(problem.message() +
                            "; the journal is for root and the group systemd-journal: add the user that runs "
                            "redthread to it (`usermod -aG systemd-journal USER`, or "
                            "`SupplementaryGroups=systemd-journal` in its unit)");
    }
    if (!found.problems.empty()) return found.problems[0];
    return Status::Unavailable(
        "there is no journal: no file *.journal in " + Words(folders) +
        ", nor in a folder below that is named after this machine's id; name the "
        "folder with `path`, or see whether systemd-journald runs and what Storage= in "
        "journald.conf says");
  }
  inputs_[n].folder = found.chosen;
  std::set<std::string> there;
  for (const JournalFile& file : found.files) there.insert(file.id);
  for (const SourceState& state : committer_->unfinished_journals()) {
    const JournalIdentity identity = JournalIdentity::Decode(state.identity).value_or(JournalIdentity{});
    if (there.count(identity.file) > 0 || !IsBelow(state.path, folders)) continue;
    if (!owners_.try_emplace(identity.file, n).second) continue;
    const Result<SourceState> opened = committer_->OpenJournal(identity, state.path);
    if (!opened.ok()) return opened.status();
    inputs_[n].vanished.push_back({state.id, state.path, state.next_index, state.cursor, 0, true});
  }
  return Scan(n, found);
}

void JournalInputs::Declare(FactsTable* facts) {
  for (size_t n = 0; n < inputs_.size(); ++n)
    inputs_[n].declared = facts->Declare(options_.inputs[n].log_source);
}

// ---- what files there are

Status JournalInputs::Scan(size_t n, const JournalFolder& found) {
  TellProblems(n, found);
  Input& input = inputs_[n];
  if (found.files.empty() || LeavesFolder(n, found)) return Status::Ok();
  for (auto& [id, file] : input.files) file.gone = true;
  for (const JournalFile& file : found.files) RT_RETURN_IF_ERROR(Arrive(n, file));
  NoteGone(n);
  settle_due_ |= !input.vanished.empty();
  return Status::Ok();
}

// Whether the journal has moved to another folder, and the files of the old one are not done with yet. What
// they hold is being copied as long as they are there, and only once they have been read to their end is it
// known which copies were read.
bool JournalInputs::LeavesFolder(size_t n, const JournalFolder& found) {
  Input& input = inputs_[n];
  if (found.chosen == input.folder) return false;
  for (auto& [id, file] : input.files) {
    file.gone = ::access(file.file.path.c_str(), F_OK) != 0;
    file.waits = false;
  }
  NoteGone(n);
  if (!input.files.empty()) return true;
  input.folder = found.chosen;
  return false;
}

Status JournalInputs::Arrive(size_t n, const JournalFile& found) {
  Input& input = inputs_[n];
  if (found.entries == 0 || found.first == 0 || input.done.count(found.id) > 0) return Status::Ok();
  if (const auto known = input.files.find(found.id); known != input.files.end()) {
    File& file = known->second;
    file.file = found;
    file.gone = file.refused;
    file.waits = false;
    CheckStuck(n, &file);
    return Status::Ok();
  }
  const size_t owner = owners_.try_emplace(found.id, n).first->second;
  if (owner != n) {
    TellOnce(n, "leaves " + found.Home() + " to source `" + options_.inputs[owner].name +
                    "`, which reads it already");
    return Status::Ok();
  }
  const Result<SourceState> state = committer_->OpenJournal({found.id}, found.Home());
  if (!state.ok()) return state.status();
  if (state->idle) {
    input.done.insert(found.id);
    return Status::Ok();
  }
  File& file = input.files[found.id];
  file.file = found;
  file.id = state->id;
  file.epoch = state->epoch;
  file.next = state->next_index;
  file.mark = state->cursor;
  file.time = found.first_time;
  file.whole = file.next == 0;
  // One that is written to may be removed at any time; the others, of which there may be many, in turn.
  if (!found.archived || file.next == 0) OpenReader(n, &file);
  return file.next == 0 ? SkipCopies(n, &file) : Status::Ok();
}

// In a new file there may be copies of what was read from one that is gone.
Status JournalInputs::SkipCopies(size_t n, File* file) {
  std::vector<Vanished>& vanished = inputs_[n].vanished;
  std::set<uint64_t> marks;
  for (const Vanished& v : vanished) {
    if (v.mark != 0) marks.insert(v.mark);
  }
  if (marks.empty() || file->reader == nullptr) return Status::Ok();
  std::set<uint64_t> missing = marks;
  const uint64_t behind = file->reader->FindBehind(&missing);
  if (behind == 0) return Status::Ok();
  for (Vanished& v : vanished) {
    if (marks.count(v.mark) == 0 || missing.count(v.mark) > 0) continue;
    v.left = 0;
    v.unknown = false;
  }
  file->next = behind;
  file->whole = false;
  file->reader.reset();
  OpenReader(n, file);
  return committer_->SkipInJournal(file->id, behind);
}

// Of files that were removed before they were opened, what they held is lost.
void JournalInputs::NoteGone(size_t n) {
  Input& input = inputs_[n];
  std::erase_if(input.files, [&](const auto& entry) {
    const File& file = entry.second;
    if (!file.gone || file.reader != nullptr) return false;
    const uint64_t left = file.refused ? 0 : LeftIn(file.file, file.next);
    if (file.refused) input.done.insert(file.file.id);
    input.vanished.push_back({file.id, file.file.Home(), file.next, file.mark, left, false});
    return true;
  });
}

// A read that met a write may have taken it for damage.
void JournalInputs::CheckStuck(size_t n, File* file) {
  const bool more = file->reader != nullptr && !file->behind && file->file.last >= file->next;
  file->stuck = more ? file->stuck + 1 : 0;
  if (file->stuck >= kReopenAfter && !file->reader->Reopen().ok()) file->reader.reset();
  if (file->stuck == kTellAfter)
    TellOnce(n, file->file.path + ": cannot be read behind entry " + std::to_string(file->next) +
                    "; it is tried again until journald puts it aside");
}

Status JournalInputs::Settle() {
  settle_due_ = false;
  for (size_t n = 0; n < inputs_.size(); ++n) {
    for (const Vanished& vanished : std::exchange(inputs_[n].vanished, {})) {
      TellRemoved(n, vanished);
      RT_RETURN_IF_ERROR(committer_->CloseJournal(vanished.id));
    }
  }
  return Status::Ok();
}

void JournalInputs::TellRemoved(size_t n, const Vanished& vanished) {
  uint64_t left = vanished.left;
  if (vanished.unknown) {
    // The next file of the same name begins where this one ended, or further on where several share numbers.
    for (const auto& [id, file] : inputs_[n].files) {
      if (file.file.Home() != vanished.home || file.file.first < vanished.next) continue;
      if (file.file.first == vanished.next) return;
      const uint64_t between = file.file.first - vanished.next;
      left = left == 0 ? between : std::min(left, between);
    }
  }
  if (left == 0 && !vanished.unknown) return;
  counts_.removed += left;
  TellOnce(n, vanished.home + ": " + (left == 0 ? "what stood in it" : "up to " + EntriesOf(left)) +
                  " behind entry " + std::to_string(std::max<uint64_t>(vanished.next, 1) - 1) +
                  " was removed before it was read: journald keeps too little (SystemMaxUse= in "
                  "journald.conf), or redthread was away for too long; reading goes on with the oldest that "
                  "is there");
}

void JournalInputs::TellProblems(size_t n, const JournalFolder& found) {
  for (const Status& problem : found.problems) TellOnce(n, problem.message());
}

void JournalInputs::TellOnce(size_t n, const std::string& text) {
  constexpr size_t kMaxTold = 1'000;
  std::set<std::string>& told = inputs_[n].told;
  if (told.size() >= kMaxTold) told.clear();
  if (told.insert(text).second && options_.on_problem)
    options_.on_problem("source `" + options_.inputs[n].name + "`: " + text);
}

// ---- reading

bool JournalInputs::OpenReader(size_t n, File* file) {
  Result<std::unique_ptr<JournalReader>> opened = JournalReader::Open(file->file, file->next);
  file->waits = !opened.ok();
  if (opened.ok()) {
    file->reader = std::move(*opened);
  } else if (opened.status().code() != StatusCode::kNotFound) {
    TellOnce(n, opened.status().message());
    // One that is written to may be whole at the next look.
    file->refused = file->file.archived && opened.status().code() == StatusCode::kCorrupt;
    if (file->refused) counts_.unreadable += LeftIn(file->file, file->next);
  }
  return opened.ok();
}

JournalInputs::File* JournalInputs::FurthestBehind(size_t* input) {
  File* found = nullptr;
  for (size_t n = 0; n < inputs_.size(); ++n) {
    for (auto& [id, file] : inputs_[n].files) {
      if (!file.behind || file.waits || (found != nullptr && found->time <= file.time)) continue;
      found = &file;
      *input = n;
    }
  }
  return found;
}

Result<bool> JournalInputs::Poll(Batch* batch) {
  if (inputs_.empty()) return false;
  if (finishing_ || clock_->Elapsed() - scanned_ >= options_.scan_interval) {
    scanned_ = clock_->Elapsed();
    for (size_t n = 0; n < inputs_.size(); ++n)
      RT_RETURN_IF_ERROR(Scan(n, FindJournalFiles(options_.inputs[n].folders)));
    if (settle_due_) return false;
  }
  size_t n = 0;
  while (File* file = FurthestBehind(&n)) {
    if (Read(n, file, batch)) return true;
  }
  for (n = 0; n < inputs_.size(); ++n) {
    for (auto& [id, file] : inputs_[n].files) {
      if (!file.waits && Read(n, &file, batch)) return true;
    }
  }
  return false;
}

// False when there is nothing to tell of the file. May remove it.
bool JournalInputs::Read(size_t n, File* file, Batch* batch) {
  if (file->reader == nullptr && !OpenReader(n, file)) return false;
  // Before reading: what is written until it is renamed is there then.
  const bool over = file->file.archived || file->gone;
  const bool more = file->reader->Next(options_.batch_bytes, &entries_);
  if (entries_.all.empty() && !over && !file->behind) return false;
  if (!entries_.all.empty()) {
    file->next = file->reader->next();
    file->read += entries_.all.size();
    file->mark = entries_.mark;
    file->time = entries_.time;
    file->stuck = 0;
  }
  file->behind = more;
  FillFrom(n, *file, batch);
  if (!more && over) {
    if (IsDamaged(n, file)) {
      file->behind = true;
      batch->at_end = false;
    } else {
      End(n, file, batch);
    }
  }
  return true;
}

// Whether there is more in a file that nothing is written to any more than could be read. That is tried once
// more, then told.
bool JournalInputs::IsDamaged(size_t n, File* file) {
  const uint64_t last = file->reader->Last();
  if (last < file->next) return false;
  if (file->stuck++ == 0 && file->reader->Reopen().ok()) return true;
  const uint64_t left = std::min(last - file->next + 1, file->file.entries);
  counts_.unreadable += left;
  file->whole = false;
  TellOnce(n, file->file.path + ": is damaged behind entry " +
                  std::to_string(std::max<uint64_t>(file->next, 1) - 1) + ", up to " + EntriesOf(left) +
                  " cannot be read");
  return false;
}

// The file has been read to its end for good. One that was removed meanwhile is closed only once those that
// may have copies of its entries were looked through.
void JournalInputs::End(size_t n, File* file, Batch* batch) {
  Input& input = inputs_[n];
  // libsystemd passes over entries that it cannot read.
  if (file->whole && file->read < file->file.entries) {
    const uint64_t bad = file->file.entries - file->read;
    counts_.unreadable += bad;
    TellOnce(n, file->file.path + ": is damaged, " + EntriesOf(bad) + " of " +
                    std::to_string(file->file.entries) + " cannot be read");
  }
  batch->ended_for_good = !file->gone;
  if (file->gone) {
    input.vanished.push_back({file->id, file->file.Home(), file->next, file->mark, 0, false});
  } else {
    input.done.insert(file->file.id);
  }
  const std::string id = file->file.id;
  input.files.erase(id);
}

void JournalInputs::FillFrom(size_t n, const File& file, Batch* batch) {
  const JournalInput& configured = options_.inputs[n];
  batch->kind = SourceKind::kJournal;
  batch->input = n;
  batch->has_lines = !entries_.all.empty();
  batch->at_end = !file.behind;
  batch->ended_for_good = false;
  batch->declared = inputs_[n].declared;
  batch->source_id = file.id;
  batch->arrival = clock_->Now();
  batch->origin = {SourceFormat::kAuto,        configured.zone.get(), 0, batch->arrival, false,
                   &configured.trusted_proxies};
  batch->source = {};
  batch->source.progress.epoch = file.epoch;
  batch->source.progress.next_index = file.next;
  batch->source.progress.cursor = file.mark;
  batch->copies.clear();
  batch->ended.clear();
  batch->lines.Begin(entries_.text.size());
  for (const JournalEntries::Entry& entry : entries_.all)
    batch->lines.Add(entries_.TextOf(entry), entry.number, 0);
}

}  // namespace redthread
