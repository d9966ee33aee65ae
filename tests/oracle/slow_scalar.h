// One value of a rule against one scalar of an event.
#pragma once

#include "tests/oracle/slow_value.h"

namespace redthread {

// A JSON value, no array, as the tests of a rule's values look at it: read once, however many values there
// are.
struct SlowScalar {
  explicit SlowScalar(SlowJson value);

  SlowJson json;
  std::optional<std::string> text;
  std::u32string code_points, folded;  // of the text
  std::optional<SlowNumber> number;
};

// Whether the scalar matches. `value` is none of the kinds that look at a whole field (null, exists, field
// reference): those never match here.
bool ScalarMatches(const SlowValue& value, const SlowScalar& scalar, bool cased);

// Days since 1970-01-01 of a date of the proleptic Gregorian calendar; nothing when there is no such day.
std::optional<int64_t> SlowDaysOf(int64_t year, int month, int day);

}  // namespace redthread
