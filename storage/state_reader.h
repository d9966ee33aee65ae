// StateReader: a view of the stored state that does not change under the reader's eyes.
//
// Two things are one: a snapshot of the database (what is committed, for searches, lists and other readers
// beside the committer) and a StateTransaction (the same plus the transaction's own writes). What reads
// state takes a StateReader and works over both.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/status.h"

namespace redthread {

// The tables of the database. Who owns the rows: docs/state_format.md. The numbers are not stored.
enum class ColumnFamily : uint8_t {
  kMeta,    // format number, counters
  kSource,  // source_registry.h
  kEvent,   // event_store.h
  kMatch,   // rows of correlate
  kGroup,   // rows of correlate
  kTimer,   // rows of correlate
  kAlert,   // alert_store.h
  kOutbox,  // outbox.h
  kDead,    // dead_letter_store.h
};
inline constexpr size_t kColumnFamilies = 9;
const char* ColumnFamilyName(ColumnFamily family);

// Sees one row; false ends the scan. Key and value are valid during the call only. Must not write to the
// transaction that is being scanned: collect first, then write.
using RowVisitor = std::function<bool(std::string_view key, std::string_view value)>;

class StateReader {
 public:
  virtual ~StateReader() = default;

  // Ok and *value filled; kNotFound (an expected answer, without a message worth showing) when there is no
  // such row; kCorrupt or kIo when the database cannot tell.
  virtual Status Get(ColumnFamily family, std::string_view key, std::string* value) const = 0;

  // Visits the rows with begin <= key < end in ascending order of their bytes. An empty `end` is the end of
  // the family. Ok when the visitor ended it.
  virtual Status Scan(ColumnFamily family, std::string_view begin, std::string_view end,
                      const RowVisitor& visit) const = 0;

  // The same rows in descending order.
  virtual Status ScanBackward(ColumnFamily family, std::string_view begin, std::string_view end,
                              const RowVisitor& visit) const = 0;
};

// What a reader had to leave out. Rows are skipped one by one; the rest answers.
struct Damage {
  uint64_t rows = 0;
  Status first;  // the first of them by name; Ok while rows is 0
  void Note(const Status& status) {
    if (rows++ == 0) first = status;
  }
};

}  // namespace redthread
