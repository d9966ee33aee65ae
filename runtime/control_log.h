// ControlLog: which rules are in force, folded from the control topic.
//
// The topic has one partition, keeps everything, and its order decides. It holds two kinds of records, each a
// row (storage/row.h) under its key:
//
//   "bundle/" hash "/" n     m, bytes            piece n of the m (from 0) of the bundle with that hash
//   "epoch/" number          hash, detect version, proposed at
//
// An epoch is a proposal. It counts only when it is the next one and its bundle is complete before it; so of
// workers that propose at the same time the first in the log wins, and everybody who reads the log from its
// beginning, whenever, knows the same. What does not count is ignored, and counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/hash.h"
#include "core/status.h"
#include "core/timestamp.h"
#include "rules/rule_bundle.h"

namespace redthread {

// From this record on, these rules are in force.
struct RuleEpoch {
  uint64_t number = 0;          // 1, 2, ...
  Hash128 bundle{};             // RuleBundle::HashOf
  uint32_t detect_version = 0;  // of the code that finds matches: the same rules may come to another answer
  Timestamp proposed_at;        // by the proposer's clock; for people
  int64_t offset = 0;           // of its record
  bool operator==(const RuleEpoch&) const = default;
};

struct ControlRecord {
  std::string key;
  std::string value;
};

// What becomes of rules that a worker comes with.
enum class RuleStanding {
  kInForce,       // they are what is in force
  kReplaced,      // they were, and others took their place: it is the worker that is behind
  kOlderVersion,  // an older detect version than is in force found them
  kNew,           // to be proposed
};

// One per thread.
class ControlLog {
 public:
  static constexpr size_t kChunkBytes = size_t{512}
                                        << 10;  // well below a broker's usual limit of 1 MB a record
  static constexpr size_t kEpochsKept = 8;      // of older ones the bundles are forgotten
  static constexpr size_t kPendingKept =
      16;  // bundles that are in force in none of those: the newest so many

  struct Counts {
    uint64_t epochs = 0;          // that count
    uint64_t lost = 0;            // another one was there first, or they are not the next
    uint64_t without_bundle = 0;  // the bundle was not complete before them
    uint64_t unreadable = 0;      // damaged, or nothing of ours
    bool operator==(const Counts&) const = default;
  };

  // Folds a record. To be called for every record of the partition, from its first one, in order. kInvalid
  // when a newer version of redthread wrote it: what is in force is not known from there on.
  Status Apply(std::string_view key, std::string_view value, int64_t offset);

  // What is in force; nothing before the first epoch.
  std::optional<RuleEpoch> current() const;
  std::optional<RuleEpoch> Find(uint64_t number) const;
  const std::vector<RuleEpoch>& epochs() const { return epochs_; }
  // Whether it is there, and its bundle is not any more.
  bool IsForgotten(uint64_t number) const;
  // The bundle of one of the last kEpochsKept epochs. kNotFound for others; errors of Decode.
  Result<RuleBundle> BundleOf(const Hash128& hash) const;

  // Of a bundle's bytes.
  RuleStanding StandingOf(std::string_view bundle, uint32_t detect_version) const;
  // The records to append in order, so that this bundle is the next epoch's; none unless it is kNew. `force`
  // also for one that was replaced or is of an older version: a way back for people.
  std::vector<ControlRecord> ProposalFor(std::string_view bundle, uint32_t detect_version, Timestamp now,
                                         bool force) const;

  const Counts& counts() const { return counts_; }

 private:
  struct Bundle {
    std::vector<std::optional<std::string>> pieces;  // empty once it is complete
    size_t missing = 0;
    std::string bytes;    // once it is complete
    int64_t touched = 0;  // offset of the newest piece
    bool complete() const { return pieces.empty(); }
  };

  // False: unreadable.
  bool ApplyPiece(std::string_view place, std::string_view payload, int64_t offset);
  bool ApplyEpoch(std::string_view place, std::string_view payload, int64_t offset);
  void Complete(std::map<Hash128, Bundle>::iterator found);
  void Forget();
  bool IsKept(const Hash128& hash) const;

  std::vector<RuleEpoch> epochs_;  // by number, from 1
  std::map<Hash128, Bundle> bundles_;
  Counts counts_;
};

}  // namespace redthread
