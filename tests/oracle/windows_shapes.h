// The shapes in which shippers nest a Windows event: the way back from the flat fields that rules name.
#pragma once

#include "tests/oracle/dice.h"
#include "tests/oracle/slow_text.h"

namespace redthread {

// `flat` in one of the shapes: evtx_dump, Winlogbeat 7 or 6, flat. An event without a channel and an EventID
// is no Windows event and stays as it is.
SlowJson DrawWindowsShape(const SlowJson& flat, Dice* dice);

}  // namespace redthread
