// `redthread scan`: rules over files, folders and standard input.
#pragma once

#include <string>
#include <vector>

#include "app/command.h"
#include "app/rule_options.h"

namespace redthread {

struct ScanFlags {
  std::vector<std::string> paths;
  RuleOptions rules;
  std::vector<std::string> log_sources;
  std::string profile;    // empty: core
  std::string min_level;  // empty: every level
  std::string fail_on;    // empty: never
  std::string time_zone = "local";
  std::vector<std::string> trusted_proxies;
  std::string format = "auto";
  int year = 0;  // 0: from each file's modification time
  int jobs = 0;  // 0: one a core
  bool detections = false;
  bool hits = false;
  bool summary = false;
  bool canonical = false;
};

void AddScanCommand(CommandTree* tree);
int RunScan(CommandContext* context, const ScanFlags& flags);

}  // namespace redthread
