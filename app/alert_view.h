// AlertView: where commands read alerts from: the database of one process, or the topic of workers that share
// the work.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "app/alert_text.h"
#include "app/command.h"
#include "app/config.h"
#include "core/alert.h"
#include "core/status.h"
#include "storage/alert_store.h"
#include "storage/database.h"

namespace redthread {

// As it was when it was opened. One per thread.
class AlertView {
 public:
  virtual ~AlertView() = default;
  // As ForEachAlert of storage/alert_store.h.
  virtual Status ForEach(const AlertQuery& query, const std::function<bool(const Alert&)>& visit,
                         Damage* damage) const = 0;
  // The alert whose id begins with `prefix`, as FindAlert there.
  virtual Result<Alert> Find(std::string_view prefix) const = 0;
  // The raw lines of its evidence; none at all where they are not kept beside alerts. Damage is told.
  virtual EvidenceLines Lines(const Alert& alert, Messages* messages) const = 0;
};

// The folder of the database within the data folder. Source: docs/state_format.md.
std::string DatabasePath(const std::string& data_dir);

// The database of one process, which may be running. On failure tells why, sets *exit_code and returns null.
std::unique_ptr<Database> OpenDatabaseToRead(const Config& config, CommandContext* context, int* exit_code);

// What that configuration's alerts are read from. On failure tells why, sets *exit_code and returns null.
std::unique_ptr<AlertView> OpenAlerts(const Config& config, CommandContext* context, int* exit_code);

}  // namespace redthread
