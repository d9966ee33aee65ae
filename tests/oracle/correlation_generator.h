// Random correlations and random events for them, where it matters: ties, window edges, times before 1970,
// missing and multiple values, numbers that do not add up in binary.
#pragma once

#include <string>
#include <vector>

#include "tests/oracle/dice.h"
#include "tests/oracle/slow_text.h"

namespace redthread {

// A rule file: detection rules a, b, c and `any` of product `test` over the field e, and one to four
// correlations, over them or over each other. May be refused: a random condition may negate every name.
std::string RandomCorrelationRules(Dice* dice);

// Up to `most` events in random order, seconds apart.
std::vector<SlowJson> RandomCorrelationEvents(Dice* dice, size_t most);

// Events of more than a week, about one an hour, in random order: what falls silent was heard regularly, or
// just not.
std::vector<SlowJson> RandomRegularEvents(Dice* dice);
// Whether those suit the rules: a silence of theirs has to be expected.
bool AreOfHours(const std::string& rules);

}  // namespace redthread
