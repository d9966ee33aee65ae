// Whether the conditions of a processing pipeline's item hold, of a rule, a detection item or a field name.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/log_source.h"
#include "rules/processing_pipeline.h"
#include "rules/rule.h"
#include "rules/rule_processing.h"

namespace redthread {

// What is known of the rule under way. The pointers outlive the subject.
struct ProcessingSubject {
  bool correlation = false;
  std::vector<const LogSource*> log_sources;  // of a rule its own; of a correlation, those of the rules below
  std::vector<const RuleLogic*> logics;       // of the rule and its filters; of a correlation none
  std::vector<RuleAttribute> attributes;
  std::map<std::string, RawValue> state;
  std::set<std::string> applied;                               // ids of items that applied to the rule
  std::map<std::string, std::set<std::string>> field_applied;  // the same by the name a field has now
};

bool RuleTestHolds(const ProcessingTest& test, const ProcessingSubject& subject);

// Of the item and of the names of fields in it: its own, or one that it refers to (`fieldref`).
bool ItemTestsHold(const ProcessingItem& processing, const ProcessingSubject& subject,
                   const DetectionItem& item);

// `field`: empty for keywords. `item`: in which the name stands; null outside of detections.
bool FieldTestHolds(const ProcessingTest& test, const ProcessingSubject& subject, const std::string& field,
                    const DetectionItem* item);

// The fields that an item with `fieldref` refers to, by value; empty for other items.
std::vector<std::string> ReferredFields(const DetectionItem& item);

}  // namespace redthread
