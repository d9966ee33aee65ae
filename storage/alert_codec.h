// The stored form of an alert: docs/state_format.md, "alert".
#pragma once

#include <string>
#include <string_view>

#include "core/alert.h"
#include "storage/row.h"

namespace redthread {

void WriteAlert(const Alert& alert, RowWriter* row);

// False when the payload ends too early or holds a value out of its range. Fields that a newer version added
// at the end are skipped.
bool ReadAlert(std::string_view payload, Alert* alert);

// Of these fields alone, without a copy of the others.
bool ReadAlertHead(std::string_view payload, uint32_t* revision, Timestamp* time);

}  // namespace redthread
