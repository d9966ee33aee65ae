// Crash points: places at which a test lets the process die.
//
// REDTHREAD_CRASH_AT=name:n in the environment kills the process (SIGKILL, so nothing is cleaned up) when it
// gets to the point of that name for the nth time. Without it a crash point does nothing.
#pragma once

#include <string_view>

namespace redthread {

void CrashPoint(std::string_view name);

}  // namespace redthread
