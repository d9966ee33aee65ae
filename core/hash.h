// Hash128: the one hash that identities are made of.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace redthread {

// XXH3-128 in canonical (big-endian) byte order.
using Hash128 = std::array<uint8_t, 16>;
Hash128 HashBytes(std::string_view bytes);

// For tables in memory: of keys that others choose, with a seed that they do not know.
uint64_t SeededHash(std::string_view bytes, uint64_t seed);

// 32 lower-case hex digits.
std::string HexOf(const Hash128& hash);
// Of such; nothing for any other text.
std::optional<Hash128> ParseHash(std::string_view hex);

}  // namespace redthread
