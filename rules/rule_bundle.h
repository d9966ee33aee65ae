// RuleBundle: everything that decides what is found, as one piece of bytes: workers that share their work run
// the same one, whatever files each has beside it.
//
//   bundle    := "redthread rules" version u8 | files | variables | log sources | entities | profiles
//                | own addresses | sources | pipelines | lateness | late horizon | fold
//   files, pipelines := n, n times (name, text); variables := n, n times (name, values); a list := n, n texts
//   a number is LEB128, times are in nanoseconds; a text is its length as a number, then its bytes
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/hash.h"
#include "core/status.h"
#include "core/timestamp.h"
#include "rules/processing_pipeline.h"
#include "rules/rule_set.h"

namespace redthread {

struct RuleBundle {
  struct File {
    std::string name;  // below the path that was given (FoundRuleFile); stands in complaints
    std::string text;
    bool operator==(const File&) const = default;
  };
  // What correlation and folding wait for, and how long; `correlate` and `alerts` of the configuration.
  struct Times {
    Nanoseconds lateness = std::chrono::minutes(5);
    Nanoseconds late_horizon = std::chrono::hours(24);
    Nanoseconds fold = std::chrono::hours(1);
    bool operator==(const Times&) const = default;
  };
  static constexpr size_t kMaxBytes = size_t{64} << 20;  // encoded; all of SigmaHQ is 10 MB

  std::vector<File> rules;  // in the order in which LoadRules reads them
  SiteVariables variables;
  std::string log_sources;  // the text of rules/logsources.yml
  std::string entities;     // the text of rules/entities.yml
  std::vector<std::string> profiles;
  std::vector<std::string> own_addresses;
  std::string sources;                  // how the caller describes the inputs that were declared
  std::vector<PipelineFile> pipelines;  // processing pipelines
  Times times;

  bool operator==(const RuleBundle&) const = default;

  // The same bundle has the same bytes, always. kLimit when there are more than kMaxBytes.
  Result<std::string> Encode() const;
  // kCorrupt; kInvalid when a newer version wrote it; kLimit.
  static Result<RuleBundle> Decode(std::string_view bytes);
  // Of a bundle's bytes, as Encode returns them: what it is known by.
  static Hash128 HashOf(std::string_view bytes) { return HashBytes(bytes); }
};

// The files below these paths, into bundle->rules. Every file that cannot be read is named in the error, one
// a line: a bundle without it would be another one. kLimit above RuleBundle::kMaxBytes.
Status ReadRuleFiles(const std::vector<std::string>& paths, RuleBundle* bundle);

// What LoadRules returns for the files that the bundle was made of, but for their names: those are the
// bundle's.
RuleSet LoadRules(const RuleBundle& bundle);

}  // namespace redthread
