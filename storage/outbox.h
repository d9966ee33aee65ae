// The outbox: what is still to be told to sinks, in the order in which it became true.
//
// An item is a reference, (alert id, revision, state); its delivery id is "<alert id>.<revision>". It is
// written in the transaction that changes the alert, so an alert is never stored without being told, nor told
// without being stored. Each sink keeps its own cursor, the sequence number of the last item it is done with.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/alert.h"
#include "core/status.h"
#include "storage/state_reader.h"
#include "storage/state_transaction.h"

namespace redthread {

struct OutboxItem {
  uint64_t sequence = 0;  // ascending from 1, without gaps
  std::string alert_id;
  uint32_t revision = 0;
  AlertState state = AlertState::kEarly;
  std::string DeliveryId() const { return alert_id + '.' + std::to_string(revision); }
};

// Appends an item; its sequence number is given here and returned.
Result<uint64_t> AppendOutboxItem(StateTransaction* transaction, const OutboxItem& item);

// Visits the items above `after` in order until `visit` returns false. Damaged rows are skipped and noted.
Status ForEachOutboxItem(const StateReader& reader, uint64_t after,
                         const std::function<bool(const OutboxItem&)>& visit, Damage* damage);

// The sequence number of the last item that the sink is done with; 0 for a sink that never was here.
Result<uint64_t> GetSinkCursor(const StateReader& reader, std::string_view sink);
void SetSinkCursor(StateTransaction* transaction, std::string_view sink, uint64_t sequence);

// Deletes the items up to `sequence`, which every sink is done with. At most `max_items` in one call; returns
// how many.
Result<size_t> TrimOutbox(StateTransaction* transaction, uint64_t sequence, size_t max_items);

}  // namespace redthread
