// redthread alerts: what was found, from the data folder, also while `redthread run` is writing to it; of
// workers that share the work, from the topic of alerts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/command.h"

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

}  // namespace redthread
