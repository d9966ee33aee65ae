#include "rules/encoding.h"

#include <cstdint>

#include "core/text.h"

namespace redthread {

std::string Base64(std::string_view bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) {
      group = group << 8 | (i + k < bytes.size() ? static_cast<uint8_t>(bytes[i + k]) : 0);
    }
    for (size_t k = 0; k < 4; ++k) {
      out += i + k > bytes.size() ? '=' : kDigits[group >> (18 - 6 * k) & 63];
    }
  }
  return out;
}

std::array<std::string, 3> Base64Offsets(std::string_view bytes) {
  // Characters at the front that hold bits of the bytes before; characters at the end that are padding or
  // hold bits of the bytes behind.
  static constexpr size_t kFront[] = {0, 2, 3};
  static constexpr size_t kBack[] = {0, 3, 2};
  std::array<std::string, 3> forms;
  for (size_t offset = 0; offset < 3; ++offset) {
    const std::string encoded = Base64(std::string(offset, ' ') + std::string(bytes));
    const size_t unstable = kFront[offset] + kBack[(bytes.size() + offset) % 3];
    if (encoded.size() > unstable) forms[offset] = encoded.substr(kFront[offset], encoded.size() - unstable);
  }
  return forms;
}

std::string Utf16(std::string_view utf8, bool big_endian) {
  std::string out;
  const auto append = [&](uint32_t unit) {
    const char high = static_cast<char>(unit >> 8 & 0xFF), low = static_cast<char>(unit & 0xFF);
    out += big_endian ? high : low;
    out += big_endian ? low : high;
  };
  for (size_t i = 0; i < utf8.size();) {
    const char32_t c = NextCodePoint(utf8, &i);
    if (c < 0x10000) {
      append(c);
    } else {
      append(0xD800 + ((c - 0x10000) >> 10));
      append(0xDC00 + ((c - 0x10000) & 0x3FF));
    }
  }
  return out;
}

std::string Latin1ToUtf8(std::string_view bytes) {
  std::string out;
  for (const char byte : bytes) AppendUtf8(static_cast<uint8_t>(byte), &out);
  return out;
}

}  // namespace redthread
