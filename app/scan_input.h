// What a command that reads log files is told of them, and of the rules that run over them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/command.h"
#include "app/rule_options.h"
#include "runtime/engine.h"
#include "runtime/scan.h"

namespace redthread {

struct ScanInput {
  std::vector<std::string> paths;
  RuleOptions rules;
  std::vector<std::string> log_sources;
  std::string profile;  // empty: core
  std::string time_zone = "local";
  std::vector<std::string> trusted_proxies;
  std::string format = "auto";
  int year = 0;  // 0: from each file's modification time
  int jobs = 0;  // 0: one a core
};

// Returns the option of the paths.
CLI::Option* AddScanInput(CLI::App* app, ScanInput* input);

// What it says as options of a Scan. False, and told, when something of it is none.
bool ReadScanInput(const ScanInput& input, CommandContext* context, ScanOptions* options);

// Rules and maps. Null when there are none to run with, which has been told.
std::shared_ptr<const Engine> LoadScanEngine(const ScanInput& input, CommandContext* context);

// Tells what was read, and what could not be. `year_given`: the user said of which year the logs are.
void ReportScanInput(const ScanReport& report, bool year_given, CommandContext* context);

}  // namespace redthread
