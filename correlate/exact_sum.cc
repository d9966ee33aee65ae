#include "correlate/exact_sum.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace redthread {
namespace {

constexpr int kMantissaBits = 52;
constexpr int kLowestExponent = -1074;
constexpr uint64_t kMantissaMask = (uint64_t{1} << kMantissaBits) - 1;

}  // namespace

void ExactSum::Accumulate(double number, bool subtract) {
  const auto bits = std::bit_cast<uint64_t>(number);
  const auto exponent = static_cast<int>(bits >> kMantissaBits & 0x7FF);
  uint64_t mantissa = bits & kMantissaMask;
  int shift = 0;
  if (exponent > 0) {  // else it is subnormal: no hidden bit, the lowest exponent
    mantissa |= uint64_t{1} << kMantissaBits;
    shift = exponent - 1;
  }
  const bool negative = (bits >> 63 != 0) != subtract;
  const size_t first = static_cast<size_t>(shift) / 64;
  const int offset = shift % 64;
  const uint64_t parts[2] = {mantissa << offset, offset == 0 ? 0 : mantissa >> (64 - offset)};
  uint64_t carry = 0;
  for (size_t i = first; i < kLimbs; ++i) {
    const uint64_t part = i - first < 2 ? parts[i - first] : 0;
    if (i - first >= 2 && carry == 0) break;
    uint64_t& limb = limbs_[i];
    uint64_t next = 0;
    if (negative) {
      next = static_cast<uint64_t>(__builtin_sub_overflow(limb, part, &limb));
      next += static_cast<uint64_t>(__builtin_sub_overflow(limb, carry, &limb));
    } else {
      next = static_cast<uint64_t>(__builtin_add_overflow(limb, part, &limb));
      next += static_cast<uint64_t>(__builtin_add_overflow(limb, carry, &limb));
    }
    carry = next;
  }
}

double ExactSum::Rounded() const {
  std::array<uint64_t, kLimbs> magnitude = limbs_;
  const bool negative = limbs_[kLimbs - 1] >> 63 != 0;
  if (negative) {
    uint64_t carry = 1;
    for (uint64_t& limb : magnitude) {
      limb = ~limb + carry;
      carry = carry != 0 && limb == 0 ? 1 : 0;
    }
  }
  size_t top = kLimbs;
  while (top > 0 && magnitude[top - 1] == 0) --top;
  if (top == 0) return 0;
  const int highest = static_cast<int>(top) * 64 - 1 - std::countl_zero(magnitude[top - 1]);
  // The 53 bits from the highest one down, the one below them, and whether anything is set below that.
  const int lowest = std::max(highest - kMantissaBits, 0);
  const auto bit = [&magnitude](int i) { return magnitude[static_cast<size_t>(i) / 64] >> i % 64 & 1; };
  const size_t limb = static_cast<size_t>(lowest) / 64;
  uint64_t mantissa = magnitude[limb] >> lowest % 64;
  if (lowest % 64 != 0 && limb + 1 < kLimbs) mantissa |= magnitude[limb + 1] << (64 - lowest % 64);
  mantissa &= (kMantissaMask << 1) | 1;
  if (lowest > 0 && bit(lowest - 1) != 0) {
    bool sticky = false;
    for (size_t i = 0; i < static_cast<size_t>(lowest - 1) / 64; ++i) sticky = sticky || magnitude[i] != 0;
    const size_t half = static_cast<size_t>(lowest - 1) / 64;
    sticky = sticky || (magnitude[half] & ((uint64_t{1} << (lowest - 1) % 64) - 1)) != 0;
    if (sticky || (mantissa & 1) != 0) ++mantissa;
  }
  const double rounded = std::ldexp(static_cast<double>(mantissa), lowest + kLowestExponent);
  return negative ? -rounded : rounded;
}

}  // namespace redthread
