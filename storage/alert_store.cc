#include "storage/alert_store.h"

#include <vector>

#include "storage/alert_codec.h"
#include "storage/key.h"
#include "storage/outbox.h"
#include "storage/row.h"

namespace redthread {

namespace {

constexpr char kAlertRow = 'a';
constexpr char kTimeRow = 't';
constexpr size_t kMaxId = 256;
constexpr size_t kCandidatesNamed = 3;

// The id ends the key as it is, so that the beginning of an id is the beginning of its key.
std::string AlertKey(std::string_view id) { return std::string(1, kAlertRow).append(id); }

std::string TimeKey(Timestamp time, std::string_view id) {
  return KeyWriter(kTimeRow).Time(time).String(id).str();
}

Result<Alert> ParseAlert(std::string_view key, std::string_view value) {
  Result<std::string_view> payload = OpenRow("alert", key, value);
  if (!payload.ok()) return payload.status();
  Alert alert;
  if (!ReadAlert(*payload, &alert)) return DamagedRow("alert", key, "its fields cannot be read");
  if (AlertKey(alert.id) != key) return DamagedRow("alert", key, "it holds another alert");
  return alert;
}

}  // namespace

Result<Alert> GetAlert(const StateReader& reader, std::string_view id) {
  const std::string key = AlertKey(id);
  std::string value;
  const Status found = reader.Get(ColumnFamily::kAlert, key, &value);
  if (found.code() == StatusCode::kNotFound) return Status::NotFound("there is no alert " + KeyText(id));
  if (!found.ok()) return found;
  return ParseAlert(key, value);
}

Status PutAlert(StateTransaction* transaction, const Alert& alert) {
  if (alert.id.empty() || alert.id.size() > kMaxId) {
    return Status::Invalid("the id of an alert has " + std::to_string(alert.id.size()) +
                           " bytes; 1 to 256 are allowed");
  }
  const std::string key = AlertKey(alert.id);
  std::string value;
  const Status found = transaction->Get(ColumnFamily::kAlert, key, &value);
  uint32_t revision = 0;
  Timestamp time;
  if (found.ok()) {
    const Result<std::string_view> payload = OpenRow("alert", key, value);
    if (!payload.ok()) return payload.status();
    if (!ReadAlertHead(*payload, &revision, &time))
      return DamagedRow("alert", key, "its fields cannot be read");
  } else if (found.code() != StatusCode::kNotFound) {
    return found;
  }
  const bool told = alert.revision == uint64_t{revision} + 1;
  if (!told && (alert.revision != revision || revision == 0)) {
    return Status::Invalid("alert " + alert.id + " is at revision " + std::to_string(revision) +
                           "; it cannot be stored at revision " + std::to_string(alert.revision));
  }
  RowWriter row;
  WriteAlert(alert, &row);
  transaction->Put(ColumnFamily::kAlert, key, row.Finish(key));
  if (!found.ok() || time != alert.time) {
    if (found.ok()) transaction->Delete(ColumnFamily::kAlert, TimeKey(time, alert.id));
    const std::string time_key = TimeKey(alert.time, alert.id);
    transaction->Put(ColumnFamily::kAlert, time_key, RowWriter().Finish(time_key));
  }
  if (!told) return Status::Ok();
  return AppendOutboxItem(transaction, {0, alert.id, alert.revision, alert.state}).status();
}

Result<Alert> FindAlert(const StateReader& reader, std::string_view prefix) {
  std::vector<std::string> ids;
  const std::string begin = AlertKey(prefix);
  RT_RETURN_IF_ERROR(
      reader.Scan(ColumnFamily::kAlert, begin, PrefixEnd(begin), [&](std::string_view key, std::string_view) {
        ids.emplace_back(key.substr(1));
        return ids.front() != prefix && ids.size() <= kCandidatesNamed;
      }));
  if (ids.empty()) return Status::NotFound("there is no alert " + KeyText(prefix));
  if (ids.size() == 1 || ids.front() == prefix) return GetAlert(reader, ids.front());
  std::string message = "more than one alert begins with " + KeyText(prefix) + ": ";
  for (size_t i = 0; i < ids.size() && i < kCandidatesNamed; ++i) message += (i ? ", " : "") + ids[i];
  return Status::Invalid(message + (ids.size() > kCandidatesNamed ? ", ..." : ""));
}

namespace {

// Visits the ids of the range.
Status ForEachId(const StateReader& reader, const AlertQuery& query,
                 const std::function<bool(Timestamp, const std::string&)>& visit, Damage* damage) {
  if (query.begin > query.end) return Status::Ok();
  const std::string begin = KeyWriter(kTimeRow).Time(query.begin).str();
  const std::string end = PrefixEnd(KeyWriter(kTimeRow).Time(query.end));
  const auto visit_row = [&](std::string_view key, std::string_view) {
    KeyReader parts(key);
    Timestamp time;
    std::string id;
    if (parts.Kind(kTimeRow) && parts.Time(&time) && parts.String(&id) && parts.Done()) {
      return visit(time, id);
    }
    damage->Note(DamagedRow("alert", key, "its key cannot be read"));
    return true;
  };
  return query.newest_first ? reader.ScanBackward(ColumnFamily::kAlert, begin, end, visit_row)
                            : reader.Scan(ColumnFamily::kAlert, begin, end, visit_row);
}

}  // namespace

Status ForEachAlert(const StateReader& reader, const AlertQuery& query,
                    const std::function<bool(const Alert&)>& visit, Damage* damage) {
  Status failed;
  const Status scanned = ForEachId(
      reader, query,
      [&](Timestamp time, const std::string& id) {
        Result<Alert> alert = GetAlert(reader, id);
        if (alert.ok() && alert->time == time) return visit(*alert);
        const StatusCode code = alert.status().code();
        if (alert.ok() || code == StatusCode::kNotFound || code == StatusCode::kCorrupt) {
          damage->Note(alert.ok() ? Status::Corrupt("alert " + id + " is in the time index at a wrong time")
                                  : alert.status());
          return true;
        }
        failed = alert.status();
        return false;
      },
      damage);
  return failed.ok() ? scanned : failed;
}

Result<uint64_t> CountAlerts(const StateReader& reader, const AlertQuery& query) {
  uint64_t count = 0;
  Damage damage;
  const auto visit = [&](Timestamp, const std::string&) { return ++count > 0; };
  RT_RETURN_IF_ERROR(ForEachId(reader, query, visit, &damage));
  return count;
}

}  // namespace redthread
