// What processing pipelines see and make of the values of one detection item.
//
// pySigma applies contains, startswith and endswith before a pipeline sees a value: of `Image|endswith:
// \x.exe` it sees the text `*\x.exe`. Here items are processed as they are written, so these modifiers are
// put into the text where a transformation has to see it, and leave the item when one changes it. Values that
// other modifiers make something else of (regexes, networks, encoded text, ...) are no text to a pipeline.
// Source: pySigma 1.5.1, sigma/processing/transformations/values.py.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/text.h"
#include "rules/problem_list.h"
#include "rules/processing_pipeline.h"
#include "rules/rule.h"

namespace redthread {

// What text a value is to a pipeline; nothing when it is no text.
std::optional<Pattern> ProcessedText(const DetectionItem& item, const RawValue& value);

// A pattern as pySigma shows it to regexes: like Sigma's notation, but for backslashes, each of which stands
// for itself.
std::string PlainSigmaText(const Pattern& pattern);

// Whether the value is this one, of the same kind: as pySigma compares.
bool ProcessedValueIs(const DetectionItem& item, const RawValue& value, const RawValue& wanted);

// Each returns whether it applied to the item. What cannot be converted is a problem at the value's place.
bool Apply(const ReplaceString& replace, DetectionItem* item);
bool Apply(const MapString& map, DetectionItem* item);
bool Apply(const SetValue& set, DetectionItem* item);
bool Apply(const ConvertType& convert, DetectionItem* item, ProblemList* problems);

// The placeholders of one value put in: every combination of values; the value itself when it has none that
// `fill` handles. A problem: a placeholder without values, or more combinations than a rule may have.
std::vector<RawValue> FillValue(const FillPlaceholders& fill,
                                const std::map<std::string, std::vector<std::string>>& variables,
                                const RawValue& value, ProblemList* problems);

// The names of the placeholders, %name%, in the text.
std::vector<std::string> PlaceholdersOf(const std::string& text);

// One item for each field that the hashes of `item` lead to, any of which has to hold; none when no hash is
// of a known algorithm. Nothing when the item is not one of hashes.
std::optional<std::vector<DetectionItem>> SplitHashesOf(const SplitHashes& split, const DetectionItem& item);

}  // namespace redthread
