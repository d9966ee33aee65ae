// Envelope: the fields of a record that holds another one, while that other one is read.
//
// A collector's JSON has a line of a log in it, syslog has JSON or XML. Rules are about the inner record: it
// has its fields as if it had come alone, and of the envelope those that it lacks.
#pragma once

#include <string_view>
#include <vector>

#include "core/event.h"

namespace redthread {

// One per thread.
class Envelope {
 public:
  // Takes the event's fields out of it: it is empty then, but for its memory, which they lie in.
  void Take(Event* event);

  // Adds each of the fields taken that the event does not have, but for those of one of these names.
  // To be called before the event is cleared.
  void AddMissing(std::string_view without, std::string_view or_without, Event* event);

 private:
  NodeIndex AddSubtree(NodeIndex i, Event* event) const;

  std::vector<Node> nodes_;
  std::vector<Event::Field> fields_;
  std::vector<std::string_view> names_;  // of the inner record, sorted
};

}  // namespace redthread
