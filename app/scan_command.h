// `redthread scan`: rules over files, folders and standard input.
#pragma once

#include <string>
#include <vector>

#include "app/command.h"
#include "app/scan_input.h"

namespace redthread {

struct ScanFlags : ScanInput {
  std::string min_level;  // empty: every level
  std::string fail_on;    // empty: never
  bool detections = false;
  bool hits = false;
  bool summary = false;
  bool canonical = false;
};

void AddScanCommand(CommandTree* tree);
int RunScan(CommandContext* context, const ScanFlags& flags);

}  // namespace redthread
