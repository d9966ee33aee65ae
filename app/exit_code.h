// Exit codes: what a script learns from a redthread command. Source: docs/cli.md, "Exit codes".
#pragma once

#include "core/status.h"

namespace redthread {

enum ExitCode : int {
  kExitDone = 0,
  kExitFindings = 1,     // findings or no match, only where the caller asked for it
  kExitUsage = 2,        // bad usage or a bad rule
  kExitConfig = 3,       // bad configuration
  kExitUnreachable = 4,  // cannot reach or not allowed
  kExitInput = 5,        // input could not be read, or some of it was not
};

// The exit code of a command that ends with `status`. A configuration's own errors are kExitConfig, whatever
// their code: its reader says so itself.
inline int ExitCodeOf(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk:
      return kExitDone;
    case StatusCode::kInvalid:
    case StatusCode::kNotFound:
      return kExitUsage;
    case StatusCode::kUnavailable:
    case StatusCode::kDenied:
      return kExitUnreachable;
    case StatusCode::kIo:
    case StatusCode::kLimit:
    case StatusCode::kCorrupt:
      return kExitInput;
  }
  return kExitInput;
}

}  // namespace redthread
