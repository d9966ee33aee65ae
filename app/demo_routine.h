// An ordinary day of the firm: what its sources write when nothing happens, and the noise of the internet
// around it.
#pragma once

#include "app/demo_random.h"
#include "app/demo_writer.h"

namespace redthread {

// Tells the lines of one day (1 to 31) of October 2026, about 10,000 on a weekend and 16,000 on a workday.
// The shop's pages answer 503 while it is down (ShopDownFrom).
void TellOrdinaryDay(int day, DemoRandom* random, DemoWriter* writer);

}  // namespace redthread
