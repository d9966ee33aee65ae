// An event as JSON text, with the freedom that JSON leaves to whoever writes it.
#pragma once

#include <string>

#include "tests/oracle/dice.h"
#include "tests/oracle/slow_text.h"

namespace redthread {

struct JsonFreedom {
  // Members whose value is an array of several scalars may be written as several members of one name, which
  // have to mean the same: any of the values.
  bool duplicate_keys = false;
  // Now and then a member "~" is added that strict readers refuse the record for. It hides nothing of the
  // rest.
  bool hostile_member = false;
};

// The event as JSON text: members and strings with random escapes, where JSON leaves the choice.
std::string WriteJson(const SlowJson& value, Dice* dice, const JsonFreedom& freedom = {});

}  // namespace redthread
