#include "tests/oracle/event_generator.h"

namespace redthread {
namespace {

void AppendUnit(char32_t unit, std::string* out) {
  char escape[16];
  std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned>(unit));
  *out += escape;
}

// Source: RFC 8259, section 7.
void AppendEscaped(char32_t c, std::string* out) {
  if (c < 0x10000) return AppendUnit(c, out);
  AppendUnit(0xD800 + ((c - 0x10000) >> 10), out);
  AppendUnit(0xDC00 + ((c - 0x10000) & 0x3FF), out);
}

std::string WriteString(const std::string& text, Dice* dice) {
  const size_t percent = dice->Chance(20) ? 30 : 0;  // most strings have no escape that they could do without
  std::string out = "\"";
  for (const char32_t c : Utf8ToCodePoints(text)) {
    if (c < 0x20 || dice->Chance(percent)) {
      AppendEscaped(c, &out);
    } else if (c == U'"' || c == U'\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else {
      out += CodePointsToUtf8({c});
    }
  }
  return out + "\"";
}

}  // namespace

std::string WriteJson(const SlowJson& value, Dice* dice) {
  if (value.is_string()) return WriteString(value.get<std::string>(), dice);
  if (!value.is_structured()) return value.dump();
  const std::string space = dice->Chance(10) ? " " : "";
  std::string out = value.is_object() ? "{" : "[";
  bool first = true;
  for (const auto& [key, child] : value.items()) {
    if (!first) out += "," + space;
    first = false;
    if (value.is_object()) out += WriteString(key, dice) + space + ":" + space;
    out += WriteJson(child, dice);
  }
  return out + (value.is_object() ? "}" : "]");
}

}  // namespace redthread
