// EventTime: which field of a record says when it happened.
#pragma once

#include <vector>

#include "core/event.h"

namespace redthread {

// Immutable and thread-safe.
class EventTime {
 public:
  static void RegisterFields(FieldTable* fields);
  explicit EventTime(const FieldTable& fields);

  // Sets event->time from the first field, in a fixed order, that holds a time; nothing when none does.
  void Set(Event* event) const;

 private:
  std::vector<FieldId> fields_;
};

}  // namespace redthread
