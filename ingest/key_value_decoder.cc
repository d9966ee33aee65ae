#include "ingest/key_value_decoder.h"

#include <algorithm>
#include <optional>

namespace redthread {

namespace {

bool IsKeyCharacter(char c) {
  const char lower = static_cast<char>(c | 0x20);
  return IsDigit(c) || (lower >= 'a' && lower <= 'z') || c == '_' || c == '-' || c == '.' || c == '/' ||
         c == '@';
}

// The size of the key that `text` begins with, up to its '='; 0 when there is none.
size_t KeySize(std::string_view text) {
  constexpr size_t kMaxKey = 128;
  const size_t limit = std::min(text.size(), kMaxKey);
  for (size_t i = 0; i < limit; ++i) {
    if (text[i] == '=') return i;
    if (!IsKeyCharacter(text[i])) return 0;
  }
  return 0;
}

struct Pair {
  std::string_view key;
  std::string_view value;  // without its quotes, still escaped
  char quote = '\0';
  bool has_value = false;  // else a word that stands alone
};

// Takes the next word off *text: `key=value`, `key="value"`, or something else. False at the end.
bool TakePair(std::string_view* text, Pair* pair) {
  while (!text->empty() && (text->front() == ' ' || text->front() == ',')) text->remove_prefix(1);
  if (text->empty()) return false;
  *pair = {};
  const size_t key = KeySize(*text);
  if (key == 0) {
    pair->key = text->substr(0, text->find(' '));
    text->remove_prefix(pair->key.size());
    return true;
  }
  pair->key = text->substr(0, key);
  pair->has_value = true;
  text->remove_prefix(key + 1);
  if (!text->empty() && (text->front() == '"' || text->front() == '\'')) {
    pair->quote = text->front();
    size_t end = 1;
    while (end < text->size() && (*text)[end] != pair->quote) end += (*text)[end] == '\\' ? 2 : 1;
    end = std::min(end, text->size());
    pair->value = text->substr(1, end - 1);
    text->remove_prefix(std::min(end + 1, text->size()));
    return true;
  }
  pair->value = text->substr(0, text->find(' '));
  text->remove_prefix(pair->value.size());
  return true;
}

// `escaped`: characters that a backslash stands before; n and r besides are line ends.
std::string_view Unescape(std::string_view raw, std::string_view escaped, Event* event) {
  return UnescapeBackslashes(raw, escaped, /*line_ends=*/true, event);
}

// Seconds, milliseconds, microseconds or nanoseconds since 1970, by the number of digits. Nothing beyond
// 2262.
std::optional<Timestamp> EpochTime(std::string_view digits) {
  if (!IsPlainNumber(digits) && !(digits.size() == 19 && IsPlainNumber(digits.substr(0, 18))))
    return std::nullopt;
  int64_t value = 0;
  for (const char c : digits) {
    if (!IsDigit(c) || value > (INT64_MAX - 9) / 10) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  int64_t unit = 0, ns = 0;
  switch (digits.size()) {
    case 9:
    case 10:
      unit = 1'000'000'000;
      break;
    case 12:
    case 13:
      unit = 1'000'000;
      break;
    case 16:
      unit = 1'000;
      break;
    case 19:
      unit = 1;
      break;
    default:
      return std::nullopt;
  }
  if (__builtin_mul_overflow(value, unit, &ns)) return std::nullopt;
  return Timestamp{ns};
}

}  // namespace

KeyValueDecoder::KeyValueDecoder(const FieldTable& fields)
    : fields_(fields),
      vendor_(fields, "deviceVendor"),
      product_(fields, "deviceProduct"),
      version_(fields, "deviceVersion"),
      event_class_(fields, "deviceEventClassId"),
      name_(fields, "name"),
      severity_(fields, "severity"),
      src_ip_(fields, "src_ip"),
      dst_ip_(fields, "dst_ip"),
      src_port_(fields, "src_port"),
      dst_port_(fields, "dst_port"),
      action_(fields, "action") {}

// ---- recognising

bool KeyValueDecoder::LooksLikeFortigate(std::string_view text) {
  const std::string_view head = text.substr(0, 512);
  return head.starts_with("date=") && head.find("time=") != std::string_view::npos &&
         (head.find(" devid=") != std::string_view::npos || head.find(" logid=") != std::string_view::npos);
}

bool KeyValueDecoder::LooksLikeKeyValue(std::string_view text) {
  const std::string_view head = text.substr(0, 1024);
  std::string_view rest = head;
  Pair pair;
  if (!TakePair(&rest, &pair) || !pair.has_value || IsDigit(pair.key.front())) return false;
  return TakePair(&rest, &pair) && pair.has_value;
}

// ---- CEF

bool KeyValueDecoder::ReadCef(std::string_view text, Time* time, Event* event) const {
  if (!TakePrefix("CEF:", &text)) return false;
  TakeUntil('|', &text);
  for (const TextField* field : {&vendor_, &product_, &version_, &event_class_, &name_, &severity_}) {
    size_t end = 0;
    while (end < text.size() && text[end] != '|') end += text[end] == '\\' ? 2 : 1;
    if (end >= text.size() && field != &severity_) return false;
    end = std::min(end, text.size());
    AddText(*field, Unescape(text.substr(0, end), "\\|", event), event);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  // A value reaches to the next key, which is the word before an equals sign.
  std::string_view key;
  size_t value = 0, word = 0, pairs = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == ' ') {
      word = i + 1;
    } else if (text[i] == '=' && i > word && KeySize(text.substr(word, i - word + 1)) > 0) {
      if (!key.empty())
        AddExtension(key, text.substr(value, word > value ? word - 1 - value : 0), time, event);
      if (++pairs > kMaxPairs) return true;
      key = text.substr(word, i - word);
      value = i + 1;
      word = text.size();  // a further '=' belongs to the value, until the next space
    }
  }
  if (!key.empty()) AddExtension(key, text.substr(value), time, event);
  return true;
}

void KeyValueDecoder::AddExtension(std::string_view key, std::string_view raw, Time* time,
                                   Event* event) const {
  while (raw.ends_with(' ')) raw.remove_suffix(1);
  const std::string_view value = Unescape(raw, "\\=|", event);
  const NodeIndex node = AddNumber(TextField(fields_, key), value, event);
  if (key == "src") AddAlias(src_ip_, node, event);
  if (key == "dst") AddAlias(dst_ip_, node, event);
  if (key == "spt") AddAlias(src_port_, node, event);
  if (key == "dpt") AddAlias(dst_port_, node, event);
  if (key == "act") AddAlias(action_, node, event);
  if (key != "rt" && !(key == "end" && !time->utc.has_value() && !time->wall.has_value())) return;
  std::string_view text = value;
  WallTime wall;
  if (const std::optional<Timestamp> epoch = EpochTime(value); epoch.has_value()) {
    time->utc = epoch;
  } else if (TakeBsdTime(&text, &wall) || TakeIsoTime(&text, &wall)) {
    if (TakePrefix(" UTC", &text) || TakePrefix(" GMT", &text)) wall.zoned = true;
    time->wall = wall;
  }
}

// ---- FortiGate and others

bool KeyValueDecoder::ReadFortigate(std::string_view text, Time* time, Event* event) const {
  if (!LooksLikeFortigate(text)) return false;
  std::string_view date, clock, zone;
  std::optional<Timestamp> event_time;
  Pair pair;
  for (size_t pairs = 0; pairs < kMaxPairs && TakePair(&text, &pair); ++pairs) {
    if (!pair.has_value) continue;
    if (pair.key == "date") date = pair.value;
    if (pair.key == "time") clock = pair.value;
    if (pair.key == "tz") zone = pair.value;
    if (pair.key == "eventtime") event_time = EpochTime(pair.value);
    const TextField field(fields_, pair.key);
    if (pair.quote == '\0') {
      AddNumber(field, pair.value, event);
    } else {
      AddText(field, Unescape(pair.value, "\\\"", event), event);
    }
  }
  if (event_time.has_value()) {
    time->utc = event_time;
    return true;
  }
  char joined[64];
  if (date.size() + clock.size() + zone.size() + 1 > sizeof(joined)) return true;
  size_t size = date.copy(joined, date.size());
  joined[size++] = 'T';
  size += clock.copy(joined + size, clock.size());
  size += zone.copy(joined + size, zone.size());
  std::string_view whole(joined, size);
  WallTime wall;
  if (TakeIsoTime(&whole, &wall)) time->wall = wall;
  return true;
}

bool KeyValueDecoder::ReadKeyValue(std::string_view text, Time* time, Event* event) const {
  if (!LooksLikeKeyValue(text)) return false;
  Pair pair;
  for (size_t pairs = 0; pairs < kMaxPairs && TakePair(&text, &pair); ++pairs) {
    if (!pair.has_value) continue;
    const std::string_view value = pair.quote != '\0' ? Unescape(pair.value, "\\\"'", event) : pair.value;
    const TextField field(fields_, pair.key);
    pair.quote == '\0' ? AddNumber(field, value, event) : AddText(field, value, event);
    if (time->wall.has_value() || time->utc.has_value()) continue;
    if (pair.key != "time" && pair.key != "ts" && pair.key != "timestamp" && pair.key != "@timestamp")
      continue;
    std::string_view rest = value;
    WallTime wall;
    time->utc = ParseNumericTimestamp(value);
    if (!time->utc.has_value() && (TakeIsoTime(&rest, &wall) || TakeSlashedTime(&rest, &wall)))
      time->wall = wall;
  }
  return true;
}

}  // namespace redthread
