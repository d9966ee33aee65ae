#include "storage/counter.h"

#include <string>

#include "storage/key.h"
#include "storage/row.h"

namespace redthread {

namespace {

constexpr char kCounterRow = 'n';

}  // namespace

Result<uint64_t> LastNumber(const StateReader& reader, std::string_view name) {
  const std::string key = KeyWriter(kCounterRow).String(name).str();
  std::string value;
  const Status found = reader.Get(ColumnFamily::kMeta, key, &value);
  if (found.code() == StatusCode::kNotFound) return uint64_t{0};
  if (!found.ok()) return found;
  Result<std::string_view> payload = OpenRow("meta", key, value);
  if (!payload.ok()) return payload.status();
  uint64_t number;
  if (!RowReader(*payload).Varint(&number)) return DamagedRow("meta", key, "it holds no number");
  return number;
}

Result<uint64_t> NextNumber(StateTransaction* transaction, std::string_view name) {
  Result<uint64_t> last = LastNumber(*transaction, name);
  if (!last.ok()) return last;
  const std::string key = KeyWriter(kCounterRow).String(name).str();
  transaction->Put(ColumnFamily::kMeta, key, RowWriter().Varint(*last + 1).Finish(key));
  return *last + 1;
}

}  // namespace redthread
