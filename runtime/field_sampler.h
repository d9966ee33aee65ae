// FieldSampler: the names of the fields that the records of each source have, from a sample of the records.
//
// Of a batch the records 0, 1, 3, 7, 15, ... are looked at: every record of a source that is seldom heard, a
// dozen in a megabyte of one that floods. What was told once is not told again, so that a source whose
// records are alike costs a look at the sample and nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/event.h"
#include "core/position.h"

namespace redthread {

// One per thread.
class FieldSampler {
 public:
  FieldSampler();

  static constexpr size_t kMaxNames = 256;  // in *names; what is beyond is told by a later sample
  static bool Wants(size_t record) { return (record & (record + 1)) == 0; }

  // Appends to *names what was not told of this source before: the path of each value of the event, with dots
  // ("userIdentity.arn"), 8 levels deep at most. A name may be told twice, long after the first time.
  void Sample(SourceId source, const Event& event, std::vector<std::string>* names);

 private:
  void Walk(const Event& event, NodeIndex node, int depth, std::vector<std::string>* names);
  void Tell(std::vector<std::string>* names);

  const uint64_t seed_;  // names are the sender's, so their hashes must not be foreseen
  SourceId source_ = 0;
  std::string path_;
  std::unordered_set<uint64_t> told_;  // hashes of source and path
};

}  // namespace redthread
