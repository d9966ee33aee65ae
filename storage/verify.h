// Verification: reads every row of the database and says what is wrong with it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/status.h"
#include "storage/state_reader.h"

namespace redthread {

struct VerifyReport {
  std::array<uint64_t, kColumnFamilies> rows{};  // read, by column family
  uint64_t sources = 0;
  uint64_t events = 0;       // records in tail rows and blocks
  uint64_t event_bytes = 0;  // of raw text
  uint64_t alerts = 0;
  uint64_t outbox_items = 0;
  uint64_t dead_letters = 0;
  uint64_t problems = 0;
  std::vector<std::string> first_problems;  // one sentence each, at most kMaxProblems
  static constexpr size_t kMaxProblems = 100;
  void Note(std::string problem);
};

// Checks, over all rows: that keys and values can be read and their checksums hold; that every block is in
// the time index, and every index row leads to a block; that no two rows of a source overlap; that records
// and dead letters lie below the position up to which their source has been read; that every outbox item
// names an alert, at a revision that it has had; that alerts are in their time index and no one else is. Rows
// of correlate are only read. Ok and a report without problems when all is well; kCorrupt, naming the first
// problem, when not; another code when the database could not be read to its end.
Status VerifyDatabase(const StateReader& reader, VerifyReport* report);

}  // namespace redthread
