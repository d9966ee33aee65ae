// JournalInputs: systemd's journal as it is written, as batches: one batch holds entries of one file of it.
//
// Each file is a source of its own, known by the id that journald gave it; the index of an entry is its
// number in it. Both stay whatever journald renames, and however often we look, so how far a file has been
// read, which lies in the write that holds what followed from it, says which entry is next after any crash.
// Numbers are never compared between files: after a crash of the host they may begin again below what was
// read.
//
// What journald removes before it is read is told and counted, if it can be, and what is left is read. When
// it moves its entries from memory to the disk (`journalctl --flush`), they are copied into new files; those
// that were read are recognised there by their marks.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/log_source.h"
#include "core/status.h"
#include "core/text.h"
#include "core/time_zone.h"
#include "ingest/journal_reader.h"
#include "runtime/batch_workers.h"
#include "runtime/committer.h"

namespace redthread {

// One configured input of type journal.
struct JournalInput {
  std::string name;
  std::vector<std::string> folders;  // FindJournalFiles
  DeclaredLogSource log_source;
  std::shared_ptr<const TimeZone> zone;  // of times in messages that name none; null: UTC
  std::vector<Cidr> trusted_proxies;     // RecordOrigin
};

// All inputs of type journal of a process. One per thread.
class JournalInputs {
 public:
  struct Options {
    std::vector<JournalInput> inputs;
    size_t batch_bytes = 1 << 20;
    Nanoseconds scan_interval = std::chrono::seconds(1);  // between two looks for files that came or went
    std::function<void(const std::string&)> on_problem;   // may be empty
  };
  struct Counts {
    uint64_t removed = 0;     // entries, at most, that were removed before they were read
    uint64_t unreadable = 0;  // entries, at most, in damaged files
  };

  // Finds the files, and holds the watermark for them. `committer` and `clock` outlive the object.
  // kUnavailable when an input has no journal, kDenied when none of its files may be read.
  static Result<std::unique_ptr<JournalInputs>> Start(Options options, Committer* committer, Clock* clock);

  // What the inputs are declared to be; again after every change of the rules.
  void Declare(FactsTable* facts);

  // Fills a batch with the next entries, those of the file that is furthest behind first, or with the news of
  // an end. False when there is nothing new; what the batch holds means nothing then.
  Result<bool> Poll(Batch* batch);

  // Whether files that are not there any more are to be closed.
  bool SettleDue() const { return settle_due_; }
  // Does that. To be called when nothing is in flight.
  Status Settle();

  // No look for files waits for its time any more: for reading to the end and stopping.
  void Finish() { finishing_ = true; }

  const Counts& counts() const { return counts_; }

 private:
  struct File {
    JournalFile file;
    SourceId id = 0;
    uint32_t epoch = 0;
    uint64_t next = 0;
    uint64_t mark = 0;  // of the entry before that; 0: none was read
    Timestamp time{};   // when that was taken, or else the first one
    std::unique_ptr<JournalReader> reader;
    uint64_t read = 0;     // entries, since the process began
    bool whole = false;    // and those are all that were ever read of it, or passed over
    bool behind = true;    // its end has not been seen since it was found or gave entries
    bool gone = false;     // it has no name any more
    bool waits = false;    // for the next look, as it could not be opened
    bool refused = false;  // it is damaged, nothing of it can be read
    int stuck = 0;         // looks at which there was more in it than could be read
  };
  // A file that is not there any more.
  struct Vanished {
    SourceId id = 0;
    std::string home;
    uint64_t next = 0;
    uint64_t mark = 0;
    uint64_t left = 0;     // entries that had not been read, at most
    bool unknown = false;  // how many those were is not known
  };
  struct Input {
    uint32_t declared = 0;
    size_t folder = 0;                  // the one that is read
    std::map<std::string, File> files;  // by id; those that are not read to their end for good
    std::set<std::string> done;         // ids of the others
    std::vector<Vanished> vanished;
    std::set<std::string> told;
  };

  JournalInputs(Options options, Committer* committer, Clock* clock);
  Status StartInput(size_t input);
  Status Scan(size_t input, const JournalFolder& found);
  bool LeavesFolder(size_t input, const JournalFolder& found);
  Status Arrive(size_t input, const JournalFile& found);
  Status SkipCopies(size_t input, File* file);
  void NoteGone(size_t input);
  void CheckStuck(size_t input, File* file);
  bool OpenReader(size_t input, File* file);
  File* FurthestBehind(size_t* input);
  bool Read(size_t input, File* file, Batch* batch);
  bool IsDamaged(size_t input, File* file);
  void End(size_t input, File* file, Batch* batch);
  void FillFrom(size_t input, const File& file, Batch* batch);
  void TellRemoved(size_t input, const Vanished& vanished);
  void TellProblems(size_t input, const JournalFolder& found);
  void TellOnce(size_t input, const std::string& text);

  const Options options_;
  Committer* const committer_;
  Clock* const clock_;
  Counts counts_;
  std::vector<Input> inputs_;
  std::map<std::string, size_t> owners_;  // of files: which input reads one that several find
  JournalEntries entries_;
  Nanoseconds scanned_{0};
  bool settle_due_ = false;
  bool finishing_ = false;
};

}  // namespace redthread
