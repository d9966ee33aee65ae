// What the tests of runs over a data folder share: a look into what they leave.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "core/record.h"
#include "storage/alert_store.h"
#include "storage/database.h"
#include "tests/runtime/runtime_fixture.h"

namespace redthread {

class StateTest : public RuntimeTest {
 protected:
  std::unique_ptr<Database> OpenState() const {
    Result<std::unique_ptr<Database>> opened =
        Database::Open({.path = Path("data/state"), .create = false, .read_only = true});
    EXPECT_TRUE(opened.ok()) << opened.status().message();
    return opened.ok() ? std::move(*opened) : nullptr;
  }

  // What stands, in the canonical form.
  std::vector<std::string> Standing() const {
    std::vector<std::string> lines;
    Damage damage;
    const Status status = ForEachAlert(
        *OpenState()->Snapshot(), {},
        [&lines](const Alert& alert) {
          if (alert.state == AlertState::kFinal) AppendCanonicalAlert(alert, &lines.emplace_back());
          return true;
        },
        &damage);
    EXPECT_TRUE(status.ok()) << status.message();
    std::sort(lines.begin(), lines.end());
    return lines;
  }
};

}  // namespace redthread
