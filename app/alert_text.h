// An alert, written out for people.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/alert.h"

namespace redthread {

// "2026-11-22 10:00:00Z": to the second, enough for a table. "-" for kNoTime.
std::string ShortTime(Timestamp time);

// "host web01, user root".
std::string GroupText(const AlertGroup& group);

// The raw records of an alert's evidence, in its order; nothing where a record is no longer kept.
using EvidenceLines = std::vector<std::optional<std::string>>;

// Everything about the alert, then its evidence with the raw lines. Safe for terminals. `lines` is as long as
// alert.evidence, or empty: then only the places of records are shown.
std::string AlertText(const Alert& alert, const EvidenceLines& lines, bool color);

// The alert record (core/record.h) with one more member: "lines":[{"source":..,"position":..,"raw":".."},..],
// raw null where the record is no longer kept; empty when `lines` is.
std::string AlertRecordWithLines(const Alert& alert, const EvidenceLines& lines);

}  // namespace redthread
