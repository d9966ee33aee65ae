// redthread alerts: what was found, from the data folder, also while `redthread run` is writing to it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "app/command.h"
#include "app/config.h"
#include "core/status.h"
#include "storage/database.h"

namespace redthread {

struct AlertsListOptions {
  std::string since;                // see ParseTimeArgument; empty: from the beginning
  std::string until;                // empty: to the end
  std::string min_level;            // empty: the configured one; --canonical: every level
  std::vector<std::string> states;  // any of them; empty: all
  uint64_t limit = 100;             // the newest so many; 0: all
  bool limit_given = false;
  bool canonical = false;  // final alerts, in the form and order in which answers are compared
};

struct AlertsShowOptions {
  std::string id;  // or its beginning
};

void AddAlertsCommand(CommandTree* tree);
int RunAlertsList(const AlertsListOptions& options, CommandContext* context);
int RunAlertsShow(const AlertsShowOptions& options, CommandContext* context);
int RunAlertsExplain(const AlertsShowOptions& options, CommandContext* context);

// The folder of the database within the data folder. Source: docs/state_format.md.
std::string DatabasePath(const std::string& data_dir);

// The database in config.data_dir, for reading. On failure tells why, sets *exit_code and returns
// null.
std::unique_ptr<Database> OpenForReading(const Config& config, CommandContext* context, int* exit_code);

}  // namespace redthread
