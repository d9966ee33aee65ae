#include "storage/source_fields.h"

#include "storage/key.h"
#include "storage/row.h"

namespace redthread {

namespace {

constexpr char kFieldsRow = 'f';

std::string FieldsKey(SourceId id) { return KeyWriter(kFieldsRow).U32(id).str(); }

}  // namespace

bool SourceFields::Add(std::string_view name) {
  if (names.find(name) != names.end()) return false;
  if (names.size() < kMaxNames && name.size() <= kMaxNameBytes) {
    names.emplace(name);
    return true;
  }
  const bool changed = !more;
  more = true;
  return changed;
}

Result<SourceFields> GetSourceFields(const StateReader& reader, SourceId id) {
  SourceFields fields;
  const std::string key = FieldsKey(id);
  std::string value;
  const Status found = reader.Get(ColumnFamily::kSource, key, &value);
  if (found.code() == StatusCode::kNotFound) return fields;
  if (!found.ok()) return found;
  const Result<std::string_view> payload = OpenRow("fields", key, value);
  if (!payload.ok()) return payload.status();
  RowReader row(*payload);
  uint64_t count = 0;
  row.Flag(&fields.more);
  if (!row.Varint(&count)) return DamagedRow("fields", key, "it ends too early");
  std::string_view name;
  for (uint64_t n = 0; n < count; ++n) {
    if (!row.Bytes(&name)) return DamagedRow("fields", key, "its names end too early");
    fields.names.emplace(name);
  }
  return fields;
}

void PutSourceFields(StateTransaction* transaction, SourceId id, const SourceFields& fields) {
  const std::string key = FieldsKey(id);
  RowWriter row;
  row.U8(fields.more ? 1 : 0).Varint(fields.names.size());
  for (const std::string& name : fields.names) row.Bytes(name);
  transaction->Put(ColumnFamily::kSource, key, row.Finish(key));
}

}  // namespace redthread
