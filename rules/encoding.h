// Encodings that rules look for in their encoded form: base64 at any offset, UTF-16.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace redthread {

// RFC 4648, section 4, with padding.
std::string Base64(std::string_view bytes);

// The three forms that `bytes` can take inside a longer base64 text, one for each offset of its first byte
// modulo 3, without the characters at either end that depend on the neighbours. A form is empty when nothing
// certain is left of it.
std::array<std::string, 3> Base64Offsets(std::string_view bytes);

// UTF-8 to UTF-16; broken bytes become U+FFFD.
std::string Utf16(std::string_view utf8, bool big_endian);

// Each byte as the code point of that number, in UTF-8.
std::string Latin1ToUtf8(std::string_view bytes);

}  // namespace redthread
