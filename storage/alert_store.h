// The alert store: the newest revision of every alert, by id and by time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/alert.h"
#include "core/status.h"
#include "core/timestamp.h"
#include "storage/state_reader.h"
#include "storage/state_transaction.h"

namespace redthread {

// Stores an alert. A revision that is new (one above the stored one, or 1 for an alert not seen before) also
// puts an item into the outbox, in the same transaction. The stored revision again updates the alert without
// telling anybody: a fold that grew between two told sizes. Any other revision is kInvalid, and so are an
// empty id and one over 256 bytes.
Status PutAlert(StateTransaction* transaction, const Alert& alert);

// The alert of exactly that id. kNotFound, kCorrupt.
Result<Alert> GetAlert(const StateReader& reader, std::string_view id);

// The alert whose id begins with `prefix`, if it is the only one: kNotFound when there is none, kInvalid,
// naming the first candidates, when there are more.
Result<Alert> FindAlert(const StateReader& reader, std::string_view prefix);

struct AlertQuery {
  Timestamp begin = Timestamp::Min();  // of Alert::time, begin <= t <= end
  Timestamp end = Timestamp::Max();
  bool newest_first = true;
};

// Visits the alerts of the range in the order of (time, id), or its reverse, until `visit` returns false.
// Damaged rows are skipped and noted.
Status ForEachAlert(const StateReader& reader, const AlertQuery& query,
                    const std::function<bool(const Alert&)>& visit, Damage* damage);

// How many alerts the range holds; reads only the index.
Result<uint64_t> CountAlerts(const StateReader& reader, const AlertQuery& query);

}  // namespace redthread
