#include "ingest/ingest_counts.h"

#include "ingest/json_decoder.h"

namespace redthread {

bool IngestCounts::Note(const DecodeResult& decoded) {
  switch (decoded.outcome) {
    case DecodeOutcome::kClean:
      return false;
    case DecodeOutcome::kRepaired:
      ++repaired;
      return false;
    case DecodeOutcome::kDamaged:
      ++damaged;
      return true;
    case DecodeOutcome::kDead:
      break;
  }
  const bool is_blank = decoded.reason == JsonDecoder::kBlankLine;
  ++(is_blank ? blank : dead);
  return !is_blank;
}

}  // namespace redthread
