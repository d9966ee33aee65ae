// One value of a rule against one scalar of an event.
#pragma once

#include "tests/oracle/slow_value.h"

namespace redthread {

// Whether the JSON value, no array, matches. `value` is none of the kinds that look at a whole field (null,
// exists, field reference): those never match here.
bool ScalarMatches(const SlowValue& value, const SlowJson& scalar, bool cased);

// Days since 1970-01-01 of a date of the proleptic Gregorian calendar; nothing when there is no such day.
std::optional<int64_t> SlowDaysOf(int64_t year, int month, int day);

}  // namespace redthread
