#include "tests/oracle/json_writer.h"

#include <algorithm>

namespace redthread {
namespace {

// Values for which strict readers refuse a whole record: out of range, half a surrogate pair, a control
// character and bytes that are no UTF-8 as they are, an escape that there is not.
const std::vector<std::string> kHostile = {"1e999999", R"("\ud800")", "\"\x01\"", "\"\xff\xc3\"", R"("\q")"};
// More than readers want to follow.
constexpr size_t kDeep = 2000;

class JsonWriter {
 public:
  JsonWriter(Dice* dice, const JsonFreedom& freedom)
      : dice_(dice), freedom_(freedom), escapes_(dice->Chance(50)), space_(dice->Chance(10) ? " " : "") {}

  std::string Write(const SlowJson& value) {
    Append(value);
    if (freedom_.hostile_member && value.is_object() && dice_->Chance(5)) AddHostileMember();
    return std::move(out_);
  }

 private:
  void AppendSeparator(char separator) {
    out_ += separator;
    out_ += space_;
  }

  void Append(const SlowJson& value) {
    if (value.is_string()) {
      AppendString(value.get_ref<const std::string&>());
    } else if (value.is_object()) {
      AppendObject(value);
    } else if (value.is_array()) {
      out_ += '[';
      for (size_t i = 0; i < value.size(); ++i) {
        if (i > 0) AppendSeparator(',');
        Append(value[i]);
      }
      out_ += ']';
    } else {
      out_ += value.dump();
    }
  }

  // First or last in the record.
  void AddHostileMember() {
    const bool deep = dice_->Chance(10);
    const std::string value =
        deep ? std::string(kDeep, '[') + std::string(kDeep, ']') : dice_->Pick(kHostile);
    const bool alone = out_ == "{}";
    if (dice_->Chance(50)) {
      out_.insert(1, "\"~\":" + value + (alone ? "" : ","));
    } else {
      out_.insert(out_.size() - 1, (alone ? "\"~\":" : ",\"~\":") + value);
    }
  }

  void AppendObject(const SlowJson& object) {
    out_ += '{';
    bool first = true;
    const auto append_member = [&](const std::string& key, const SlowJson& value) {
      if (!first) AppendSeparator(',');
      first = false;
      AppendString(key);
      out_ += space_;
      AppendSeparator(':');
      Append(value);
    };
    for (const auto& [key, value] : object.items()) {
      if (MayBeSeveral(value) && dice_->Chance(50)) {
        for (const SlowJson& element : value) append_member(key, element);
      } else {
        append_member(key, value);
      }
    }
    out_ += '}';
  }

  bool MayBeSeveral(const SlowJson& value) const {
    return freedom_.duplicate_keys && value.is_array() && value.size() > 1 &&
           std::none_of(value.begin(), value.end(), [](const SlowJson& e) { return e.is_structured(); });
  }

  void AppendString(const std::string& text) {
    const size_t percent = escapes_ && dice_->Chance(20) ? 30 : 0;
    out_ += '"';
    if (percent == 0) {
      for (const char c : text) AppendByte(c);
    } else {
      for (const char32_t c : Utf8ToCodePoints(text)) {
        if (dice_->Chance(percent)) {
          AppendEscaped(c);
        } else if (c < 0x80) {
          AppendByte(static_cast<char>(c));
        } else {
          out_ += CodePointsToUtf8({c});
        }
      }
    }
    out_ += '"';
  }

  // A byte of UTF-8, escaped only if it has to be.
  void AppendByte(char c) {
    if (c == '"' || c == '\\') {
      out_ += '\\';
      out_ += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      AppendControl(c);
    } else {
      out_ += c;
    }
  }

  void AppendControl(char c) {
    static constexpr char kControls[] = "\b\f\n\r\t", kLetters[] = "bfnrt";
    const std::string_view controls(kControls);
    const size_t at = controls.find(c);
    if (at == std::string_view::npos || dice_->Chance(20)) return AppendUnit(static_cast<char32_t>(c));
    out_ += '\\';
    out_ += kLetters[at];
  }

  // Source: RFC 8259, section 7.
  void AppendEscaped(char32_t c) {
    if (c == U'/' && dice_->Chance(50)) {
      out_ += "\\/";
    } else if (c < 0x10000) {
      AppendUnit(c);
    } else {
      AppendUnit(0xD800 + ((c - 0x10000) >> 10));
      AppendUnit(0xDC00 + ((c - 0x10000) & 0x3FF));
    }
  }

  void AppendUnit(char32_t unit) {
    char escape[16];
    std::snprintf(escape, sizeof(escape), dice_->Chance(50) ? "\\u%04x" : "\\u%04X",
                  static_cast<unsigned>(unit));
    out_ += escape;
  }

  Dice* dice_;
  const JsonFreedom freedom_;
  const bool escapes_;  // whether some strings of the record have escapes that they could do without
  const std::string space_;
  std::string out_;
};

}  // namespace

std::string WriteJson(const SlowJson& value, Dice* dice, const JsonFreedom& freedom) {
  return JsonWriter(dice, freedom).Write(value);
}

}  // namespace redthread
