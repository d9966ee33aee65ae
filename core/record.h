// Records: the JSON lines that commands print, topics carry and sinks send. Keys may be added, never renamed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/alert.h"
#include "core/detection.h"
#include "core/event.h"
#include "core/text.h"

namespace redthread {

// What a record says of a rule.
struct RuleSummary {
  std::string_view id;
  std::string_view title;
  Level level = Level::kInformational;
  const std::vector<std::string>* tags = nullptr;
};

// {"kind":"detection","rule":{...},"time":...,"source":...,"position":...,"matched":{...},"event":{...}}
// without a line end. `time` is null when the event has none. `event_json`: the event as AppendJson writes
// it, made once however many rules match it.
void AppendDetectionRecord(const RuleSummary& rule, const Event& event, std::string_view event_json,
                           std::string_view source, const std::vector<MatchedSelection>& matched,
                           std::string* out);

// {"kind":"alert",...} without a line end. Times that do not exist (kNoTime) are null.
void AppendAlertRecord(const Alert& alert, std::string* out);

// The same for the topic of alerts, with what its readers need besides: "at" behind the revision, how far in
// the topic of matches it stands on (of two records of an id the greater one counts), and in each evidence
// "hash", of the raw record, in hex.
std::string TopicAlertRecord(const Alert& alert, uint64_t at);

// {"kind":"hit","correlation":true,"rule":{...},"group":{...},"window_end":...,"value":...} without a line
// end. A value that is missing, or that JSON cannot write (an overflowing sum), is null.
void AppendHitRecord(const RuleSummary& rule, const AlertGroup& group, Timestamp window_end,
                     std::optional<double> value, std::string* out);

// The form in which answers are compared: what does not depend on partitions, rotation or order of arrival.
// Source: docs/decisions/0001-identity-time-revision.md, "The canonical form".
void AppendCanonicalAlert(const Alert& alert, std::string* out);

// "2026-11-22T10:00:00.123456789Z" in quotes, or null.
void AppendJsonTime(std::optional<Timestamp> time, std::string* out);

}  // namespace redthread
