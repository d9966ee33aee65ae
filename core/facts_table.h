// FactsTable: numbers for what is known of events (LogSourceFacts) and for what operators declare.
//
// One table is shared by all threads, so that a number means the same to each of them; the detector compiles
// rules once per FactsId. It only grows, and is bounded: of facts that the map and the configuration make
// there are few, and those that a log's content can multiply are counted.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/log_source.h"

namespace redthread {

// Thread-safe. References it hands out stay valid as long as the table.
class FactsTable {
 public:
  // Of facts that a log's content can multiply.
  static constexpr size_t kMaxFromContent = 1024;
  static constexpr FactsId kNoFacts = 0;
  static constexpr uint32_t kNotDeclared = 0;

  FactsTable();

  // The number of these facts; 0 is that of empty ones. Their variety must be bounded by map and
  // configuration.
  FactsId Intern(const LogSourceFacts& facts);
  // The same for facts whose variety is not. Nothing when they are new and kMaxFromContent are there: fall
  // back on fewer facts.
  std::optional<FactsId> InternFromContent(const LogSourceFacts& facts);
  const LogSourceFacts& Get(FactsId id) const;
  size_t size() const;

  // The number of what an operator says of an input. Number 0 is nothing.
  uint32_t Declare(const DeclaredLogSource& declared);
  const DeclaredLogSource& Declared(uint32_t id) const;

 private:
  std::optional<FactsId> InternUpTo(const LogSourceFacts& facts, size_t* count, size_t limit);

  mutable std::mutex mutex_;
  std::deque<LogSourceFacts> facts_;
  std::map<std::string, FactsId> ids_;  // by the facts written as text
  size_t from_content_ = 0;
  size_t by_configuration_ = 0;
  std::deque<DeclaredLogSource> declared_;
};

}  // namespace redthread
