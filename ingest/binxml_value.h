// The typed values of BinXML, and how they are written in JSON.
//
// Source: [MS-EVEN6] 2.2.12 and the description of the format by the libevtx project. What they look like is
// what evtx_dump made common: numbers and booleans as such, everything else as text; a GUID without braces, a
// FILETIME in microseconds, HexInt as 0x1f, a binary value in capital hexadecimal digits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace redthread {

enum class BinXmlType : uint8_t {
  kNull = 0x00,
  kString = 0x01,      // UTF-16; ends before a NUL
  kAnsiString = 0x02,  // read as UTF-8 where it is, else as Latin-1; ends before a NUL
  kInt8 = 0x03,
  kUInt8 = 0x04,
  kInt16 = 0x05,
  kUInt16 = 0x06,
  kInt32 = 0x07,
  kUInt32 = 0x08,
  kInt64 = 0x09,
  kUInt64 = 0x0A,
  kReal32 = 0x0B,
  kReal64 = 0x0C,
  kBool = 0x0D,  // four bytes
  kBinary = 0x0E,
  kGuid = 0x0F,
  kSizeT = 0x10,  // shown like HexInt, of four or eight bytes
  kFileTime = 0x11,
  kSystemTime = 0x12,
  kSid = 0x13,
  kHexInt32 = 0x14,
  kHexInt64 = 0x15,
  kHandle = 0x20,
  kBinXml = 0x21,
  kXml = 0x23,  // text
};

// Set in the type of an array of such values, one behind the other; strings each with a NUL behind them.
inline constexpr uint8_t kBinXmlArray = 0x80;

// Whether there is nothing to show.
bool IsEmptyValue(uint8_t type, std::string_view bytes);

// Appends the value as it stands between the quotes of a JSON string: escaped. Bytes whose number does not
// fit the type are shown in hexadecimal: they are there, and nobody knows what they mean. An array has commas
// between its items.
void AppendValueText(uint8_t type, std::string_view bytes, std::string* out);

// Appends a value that JSON has a type for: a whole number or a boolean. False, and nothing, for all others.
bool AppendJsonNumber(uint8_t type, std::string_view bytes, std::string* out);

// Takes the next item off the bytes of an array of that type (without kBinXmlArray). False at their end.
bool TakeArrayItem(uint8_t type, std::string_view* rest, std::string_view* item);

// Appends UTF-16 as UTF-8, with `json` escaped for a JSON string; a surrogate without its partner becomes
// U+FFFD.
void AppendUtf16(std::string_view bytes, bool json, std::string* out);

// Appends valid UTF-8 as it stands between the quotes of a JSON string.
void AppendEscapedUtf8(std::string_view text, std::string* out);

// The part of a text before its first NUL.
std::string_view BeforeNul(std::string_view bytes, bool utf16);

}  // namespace redthread
