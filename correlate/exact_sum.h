// ExactSum: a sum of doubles without any rounding, from which numbers can be taken away again.
//
// A running sum of doubles drifts: what leaves the window does not take with it what it brought. Here every
// double is added as an integer to a fixed-point number wide enough for all of them, so the sum depends on
// what is in it, not on the order or on what was once in it. Rounded once, to nearest even, when asked.
// Source: Kulisch's long accumulator.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace redthread {

class ExactSum {
 public:
  // Both take finite numbers, at most 2^63 of them.
  void Add(double number) { Accumulate(number, false); }
  void Subtract(double number) { Accumulate(number, true); }
  // The sum as the nearest double; infinite when it is beyond them all.
  double Rounded() const;

 private:
  // Two's complement, least limb first; the lowest bit is worth 2^-1074. 2,098 bits hold any double, the rest
  // carries.
  static constexpr size_t kLimbs = 34;
  void Accumulate(double number, bool subtract);

  std::array<uint64_t, kLimbs> limbs_{};
};

}  // namespace redthread
