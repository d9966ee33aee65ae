// TopicAlerts: the alerts of a topic, folded to the newest word on each.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/alert_json.h"
#include "app/alert_view.h"

namespace redthread {

// Filled by Add, in the order of the log; then Finish, then read.
class TopicAlerts final : public AlertView {
 public:
  // Of several records of one id the one with the greatest `at` counts, and of those the last. What cannot be
  // read is noted as damage; `place` is where it stands.
  void Add(std::string_view json, const std::string& place);
  void Finish();

  Status ForEach(const AlertQuery& query, const std::function<bool(const Alert&)>& visit,
                 Damage* damage) const override;
  Result<Alert> Find(std::string_view prefix) const override;
  EvidenceLines Lines(const Alert& alert, Messages* messages) const override;

 private:
  std::map<std::string, TopicAlert, std::less<>> alerts_;  // by id
  std::vector<const Alert*> by_time_;                      // by (time, id)
  Damage damage_;
};

}  // namespace redthread
