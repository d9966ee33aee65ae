// KeyValueDecoder: logs that name their values -> fields of these names.
//
//   cef        CEF:0|Vendor|Product|1.0|100|Name|5|src=192.0.2.1 msg=text with spaces
//   fortigate  date=2019-05-10 time=11:37:47 logid="0000000013" type="traffic" srcip=10.1.100.11
//   kv         time=2026-11-22T10:00:00Z level=info msg="done"
//
// Source: Micro Focus, "ArcSight Common Event Format", 25; Fortinet, "FortiOS Log Message Reference", 7.4.
#pragma once

#include <optional>
#include <string_view>

#include "core/event.h"
#include "ingest/text_field.h"
#include "ingest/text_time.h"

namespace redthread {

// One per thread.
class KeyValueDecoder {
 public:
  // Pairs of one record beyond this are left out of the fields; `raw` has them.
  static constexpr size_t kMaxPairs = 1000;

  explicit KeyValueDecoder(const FieldTable& fields);

  // By their first characters.
  static bool LooksLikeCef(std::string_view text) { return text.starts_with("CEF:"); }
  static bool LooksLikeFortigate(std::string_view text);
  // Two pairs, the first at the very beginning.
  static bool LooksLikeKeyValue(std::string_view text);

  // What a record says of its time: as on a wall, or as a distance to 1970.
  struct Time {
    std::optional<WallTime> wall;
    std::optional<Timestamp> utc;
  };

  // Each adds the fields of a record and sets *time where there is one; false when the text is not of that
  // kind.
  bool ReadCef(std::string_view text, Time* time, Event* event) const;
  bool ReadFortigate(std::string_view text, Time* time, Event* event) const;
  bool ReadKeyValue(std::string_view text, Time* time, Event* event) const;

 private:
  void AddExtension(std::string_view key, std::string_view raw, Time* time, Event* event) const;

  const FieldTable& fields_;
  TextField vendor_, product_, version_, event_class_, name_, severity_;
  TextField src_ip_, dst_ip_, src_port_, dst_port_, action_;
};

}  // namespace redthread
