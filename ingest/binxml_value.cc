#include "ingest/binxml_value.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <chrono>
#include <utility>

#include "core/text.h"
#include "ingest/little_endian.h"

namespace redthread {

namespace {

constexpr char32_t kReplacement = 0xFFFD;

char HexDigit(unsigned value, bool capital) {
  return value < 10 ? static_cast<char>('0' + value)
                    : static_cast<char>((capital ? 'A' : 'a') + static_cast<char>(value - 10));
}

template <typename Number>
void AppendDecimal(Number number, std::string* out) {
  char digits[24];
  out->append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

template <typename Number>
void AppendReal(Number number, std::string* out) {
  char digits[64];
  out->append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

void AppendHexBytes(std::string_view bytes, std::string* out) {
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out->push_back(HexDigit(byte >> 4, true));
    out->push_back(HexDigit(byte & 15, true));
  }
}

void AppendHexNumber(uint64_t number, std::string* out) {
  char digits[16];
  out->append("0x").append(digits, std::to_chars(digits, digits + sizeof digits, number, 16).ptr);
}

void AppendGuid(std::string_view bytes, std::string* out) {
  constexpr std::array<uint8_t, 16> kOrder = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
  for (size_t i = 0; i < kOrder.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out->push_back('-');
    AppendHexBytes(bytes.substr(kOrder[i], 1), out);
  }
}

// Revision, number of sub-authorities, 48 bits of authority (big-endian), the sub-authorities.
// Source: [MS-DTYP] 2.4.2.2.
size_t SidSize(std::string_view bytes) {
  constexpr size_t kHead = 8;
  if (bytes.size() < kHead) return 0;
  return kHead + 4 * static_cast<size_t>(static_cast<unsigned char>(bytes[1]));
}

void AppendSid(std::string_view bytes, std::string* out) {
  uint64_t authority = 0;
  for (size_t i = 2; i < 8; ++i) authority = authority << 8 | static_cast<unsigned char>(bytes[i]);
  out->append("S-");
  AppendDecimal(static_cast<unsigned>(static_cast<unsigned char>(bytes[0])), out);
  out->push_back('-');
  AppendDecimal(authority, out);
  for (size_t i = 8; i < SidSize(bytes); i += 4) {
    out->push_back('-');
    AppendDecimal(LoadLittleEndian<uint32_t>(bytes.data() + i), out);
  }
}

void AppendDigits(uint64_t number, size_t width, std::string* out) {
  const size_t begin = out->size();
  out->append(width, '0');
  for (size_t i = width; i > 0; --i, number /= 10)
    (*out)[begin + i - 1] = static_cast<char>('0' + number % 10);
}

struct DateTime {
  uint64_t year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, microsecond = 0;
};

void AppendDateTime(const DateTime& t, std::string* out) {
  AppendDigits(t.year, 4, out);
  for (const auto& [mark, number] : {std::pair('-', t.month), std::pair('-', t.day), std::pair('T', t.hour),
                                     std::pair(':', t.minute), std::pair(':', t.second)}) {
    out->push_back(mark);
    AppendDigits(number, 2, out);
  }
  out->push_back('.');
  AppendDigits(t.microsecond, 6, out);
  out->push_back('Z');
}

// 100 ns since 1601-01-01. A date beyond the year 9999, which nobody can have meant, is shown as the number.
void AppendFileTime(uint64_t ticks, std::string* out) {
  constexpr uint64_t kTicksPerSecond = 10'000'000;
  constexpr uint64_t kSecondsPerDay = 86'400;
  constexpr uint64_t kDaysTo10000 = 3'067'671;  // from 1601-01-01 to 10000-01-01
  const uint64_t seconds = ticks / kTicksPerSecond;
  if (seconds / kSecondsPerDay >= kDaysTo10000) return AppendDecimal(ticks, out);
  const auto since = std::chrono::days(static_cast<int64_t>(seconds / kSecondsPerDay));
  const std::chrono::sys_days epoch = std::chrono::year(1601) / 1 / 1;
  const std::chrono::year_month_day date(epoch + since);
  const uint64_t of_day = seconds % kSecondsPerDay;
  AppendDateTime({static_cast<uint64_t>(static_cast<int>(date.year())), static_cast<unsigned>(date.month()),
                  static_cast<unsigned>(date.day()), of_day / 3600, of_day / 60 % 60, of_day % 60,
                  ticks % kTicksPerSecond / 10},
                 out);
}

// Eight numbers of two bytes: year, month, day of the week, day, hour, minute, second, millisecond. What is
// no date is shown as bytes.
void AppendSystemTime(std::string_view bytes, std::string* out) {
  uint64_t part[8];
  for (size_t i = 0; i < 8; ++i) part[i] = LoadLittleEndian<uint16_t>(bytes.data() + 2 * i);
  const auto within = [&](size_t i, uint64_t least, uint64_t most) {
    return part[i] >= least && part[i] <= most;
  };
  if (!within(0, 1601, 9999) || !within(1, 1, 12) || !within(3, 1, 31) || !within(4, 0, 23) ||
      !within(5, 0, 59) || !within(6, 0, 59) || !within(7, 0, 999)) {
    return AppendHexBytes(bytes, out);
  }
  AppendDateTime({part[0], part[1], part[3], part[4], part[5], part[6], part[7] * 1000}, out);
}

int64_t SignedNumber(std::string_view bytes) {
  const unsigned unused_bits = 64 - 8 * static_cast<unsigned>(bytes.size());
  return static_cast<int64_t>(LoadLittleEndian(bytes) << unused_bits) >> unused_bits;
}

// How many bytes a value of that type has; 0 where that differs.
size_t FixedSize(BinXmlType type) {
  switch (type) {
    case BinXmlType::kInt8:
    case BinXmlType::kUInt8:
      return 1;
    case BinXmlType::kInt16:
    case BinXmlType::kUInt16:
      return 2;
    case BinXmlType::kInt32:
    case BinXmlType::kUInt32:
    case BinXmlType::kReal32:
    case BinXmlType::kBool:
    case BinXmlType::kHexInt32:
      return 4;
    case BinXmlType::kInt64:
    case BinXmlType::kUInt64:
    case BinXmlType::kReal64:
    case BinXmlType::kFileTime:
    case BinXmlType::kHexInt64:
    case BinXmlType::kSizeT:
      return 8;
    case BinXmlType::kGuid:
    case BinXmlType::kSystemTime:
      return 16;
    default:
      return 0;
  }
}

bool IsInteger(BinXmlType type) {
  return (type >= BinXmlType::kInt8 && type <= BinXmlType::kUInt64) || type == BinXmlType::kBool ||
         type == BinXmlType::kSizeT || type == BinXmlType::kHexInt32 || type == BinXmlType::kHexInt64;
}

// Whole numbers are read in any width: some providers declare one type and write another.
bool FitsType(BinXmlType type, std::string_view bytes) {
  if (IsInteger(type)) return bytes.size() <= 8 && std::has_single_bit(bytes.size());
  const size_t size = FixedSize(type);
  if (size > 0) return bytes.size() == size;
  return type != BinXmlType::kSid || (bytes.size() >= 8 && bytes.size() >= SidSize(bytes));
}

void AppendAnsi(std::string_view text, std::string* out) {
  if (simdjson::validate_utf8(text.data(), text.size())) return AppendEscapedUtf8(text, out);
  std::string utf8;
  for (const char c : text) AppendUtf8(static_cast<unsigned char>(c), &utf8);
  AppendEscapedUtf8(utf8, out);
}

void AppendScalar(BinXmlType type, std::string_view bytes, std::string* out) {
  if (!FitsType(type, bytes)) return AppendHexBytes(bytes, out);
  switch (type) {
    case BinXmlType::kNull:
      return;
    case BinXmlType::kString:
    case BinXmlType::kXml:
      return AppendUtf16(BeforeNul(bytes, true), true, out);
    case BinXmlType::kAnsiString:
      return AppendAnsi(BeforeNul(bytes, false), out);
    case BinXmlType::kReal32:
      return AppendReal(std::bit_cast<float>(LoadLittleEndian<uint32_t>(bytes.data())), out);
    case BinXmlType::kReal64:
      return AppendReal(std::bit_cast<double>(LoadLittleEndian<uint64_t>(bytes.data())), out);
    case BinXmlType::kGuid:
      return AppendGuid(bytes, out);
    case BinXmlType::kSizeT:
    case BinXmlType::kHexInt32:
    case BinXmlType::kHexInt64:
      return AppendHexNumber(LoadLittleEndian(bytes), out);
    case BinXmlType::kFileTime:
      return AppendFileTime(LoadLittleEndian(bytes), out);
    case BinXmlType::kSystemTime:
      return AppendSystemTime(bytes, out);
    case BinXmlType::kSid:
      return AppendSid(bytes, out);
    default:
      if (!AppendJsonNumber(static_cast<uint8_t>(type), bytes, out)) AppendHexBytes(bytes, out);
  }
}

}  // namespace

bool IsEmptyValue(uint8_t type, std::string_view bytes) {
  if (bytes.empty() || type == static_cast<uint8_t>(BinXmlType::kNull)) return true;
  switch (static_cast<BinXmlType>(type)) {
    case BinXmlType::kString:
    case BinXmlType::kXml:
      return BeforeNul(bytes.substr(0, 2), true).empty();
    case BinXmlType::kAnsiString:
      return bytes[0] == '\0';
    default:
      return false;
  }
}

void AppendValueText(uint8_t type, std::string_view bytes, std::string* out) {
  const auto scalar = static_cast<BinXmlType>(type & ~kBinXmlArray);
  if ((type & kBinXmlArray) == 0) return AppendScalar(scalar, bytes, out);
  std::string_view item;
  for (bool first = true; TakeArrayItem(static_cast<uint8_t>(scalar), &bytes, &item); first = false) {
    if (!first) out->push_back(',');
    AppendScalar(scalar, item, out);
  }
}

bool AppendJsonNumber(uint8_t type, std::string_view bytes, std::string* out) {
  const auto scalar = static_cast<BinXmlType>(type);
  if (!IsInteger(scalar) || !FitsType(scalar, bytes)) return false;
  switch (scalar) {
    case BinXmlType::kInt8:
    case BinXmlType::kInt16:
    case BinXmlType::kInt32:
    case BinXmlType::kInt64:
      AppendDecimal(SignedNumber(bytes), out);
      return true;
    case BinXmlType::kUInt8:
    case BinXmlType::kUInt16:
    case BinXmlType::kUInt32:
    case BinXmlType::kUInt64:
      AppendDecimal(LoadLittleEndian(bytes), out);
      return true;
    case BinXmlType::kBool:
      out->append(LoadLittleEndian(bytes) != 0 ? "true" : "false");
      return true;
    default:
      return false;
  }
}

bool TakeArrayItem(uint8_t type, std::string_view* rest, std::string_view* item) {
  if (rest->empty()) return false;
  const auto scalar = static_cast<BinXmlType>(type);
  size_t size = FixedSize(scalar);
  size_t nul = 0;
  if (scalar == BinXmlType::kString || scalar == BinXmlType::kXml) {
    size = BeforeNul(*rest, true).size();
    nul = 2;
  } else if (scalar == BinXmlType::kAnsiString) {
    size = BeforeNul(*rest, false).size();
    nul = 1;
  } else if (scalar == BinXmlType::kSid) {
    size = SidSize(*rest);
  }
  if (size + nul == 0) size = rest->size();
  *item = rest->substr(0, size);
  rest->remove_prefix(std::min(rest->size(), size + nul));
  return true;
}

std::string_view BeforeNul(std::string_view bytes, bool utf16) {
  if (!utf16) return bytes.substr(0, bytes.find('\0'));
  size_t size = 0;
  while (size + 1 < bytes.size() && (bytes[size] != '\0' || bytes[size + 1] != '\0')) size += 2;
  return bytes.substr(0, size);
}

void AppendEscapedUtf8(std::string_view text, std::string* out) {
  size_t run = 0;  // text[run, i) needs no escape
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= ' ' && byte != '"' && byte != '\\') continue;
    out->append(text.substr(run, i - run));
    run = i + 1;
    out->push_back('\\');
    switch (byte) {
      case '\n':
        out->push_back('n');
        break;
      case '\r':
        out->push_back('r');
        break;
      case '\t':
        out->push_back('t');
        break;
      case '"':
      case '\\':
        out->push_back(static_cast<char>(byte));
        break;
      default:
        out->append("u00");
        out->push_back(HexDigit(byte >> 4, false));
        out->push_back(HexDigit(byte & 15, false));
    }
  }
  out->append(text.substr(run));
}

void AppendUtf16(std::string_view bytes, bool json, std::string* out) {
  const char* p = bytes.data();
  const char* const end = p + bytes.size() / 2 * 2;
  while (p != end) {
    // Nearly all of it is ASCII that needs no escape.
    char plain[256];
    size_t n = 0;
    for (; p != end && n < sizeof plain; p += 2) {
      const auto low = static_cast<unsigned char>(p[0]);
      if (p[1] != '\0' || low < ' ' || low > '~' || (json && (low == '"' || low == '\\'))) break;
      plain[n++] = static_cast<char>(low);
    }
    out->append(plain, n);
    if (p == end || n == sizeof plain) continue;
    char32_t c = LoadLittleEndian<uint16_t>(p);
    p += 2;
    if (c >= 0xD800 && c <= 0xDFFF) {
      const char32_t low = c < 0xDC00 && p != end ? LoadLittleEndian<uint16_t>(p) : 0;
      const bool paired = low >= 0xDC00 && low <= 0xDFFF;
      c = paired ? 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00) : kReplacement;
      if (paired) p += 2;
    }
    if (json && c < 0x80) {
      AppendEscapedUtf8(std::string_view(p - 2, 1), out);
    } else {
      AppendUtf8(c, out);
    }
  }
}

}  // namespace redthread
