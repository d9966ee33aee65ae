// Alerts as the topic of alerts carries them, read back.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/alert.h"
#include "core/status.h"

namespace redthread {

struct TopicAlert {
  Alert alert;  // of evidence the position has its index alone
  int64_t at = 0;
};

// What TopicAlertRecord (core/record.h) wrote, of this version or a later one: keys that are not known are
// skipped. kInvalid with what is wrong with it.
Result<TopicAlert> ParseTopicAlert(std::string_view json);

}  // namespace redthread
