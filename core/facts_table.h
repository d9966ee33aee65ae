// FactsTable: numbers for log-source facts, so that what depends on them can be computed once and found by
// number.
#pragma once

#include <deque>
#include <mutex>
#include <string>
#include <unordered_map>

#include "core/log_source.h"

namespace redthread {

// Thread-safe. Grows by what classifiers intern, and those bound how many distinct facts content can make.
class FactsTable {
 public:
  // Number 0 stands for no facts at all.
  FactsTable();
  // Equal facts get the same number. Takes a lock: callers keep what they got.
  FactsId Intern(const LogSourceFacts& facts);
  // Valid as long as the table.
  const LogSourceFacts& Get(FactsId id) const;
  size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::deque<LogSourceFacts> facts_;  // a deque: references stay valid
  std::unordered_map<std::string, FactsId> ids_;
};

}  // namespace redthread
