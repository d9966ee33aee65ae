// DemoRandom: a random number generator whose numbers are the same on every platform and with every library.
//
// The distributions of <random> are not specified to the bit, so the sample logs would differ from one
// standard library to the next. Source: PCG32 (XSH RR 64/32), https://www.pcg-random.org/.
#pragma once

#include <cstddef>
#include <cstdint>

namespace redthread {

// One per thread.
class DemoRandom {
 public:
  explicit DemoRandom(uint64_t seed) : state_(seed + kIncrement) { Next(); }

  uint32_t Next() {
    const uint64_t old = state_;
    state_ = old * 6364136223846793005u + kIncrement;
    const auto shifted = static_cast<uint32_t>(((old >> 18) ^ old) >> 27);
    const auto rotation = static_cast<uint32_t>(old >> 59);
    return (shifted >> rotation) | (shifted << ((32 - rotation) & 31));
  }

  // 0 to n - 1; n is at least 1. The bias of the plain remainder does not matter for sample logs.
  uint32_t Below(uint32_t n) { return Next() % n; }
  // low to high, both included.
  int Between(int low, int high) {
    return low + static_cast<int>(Below(static_cast<uint32_t>(high - low + 1)));
  }
  // True once in n times.
  bool OneIn(uint32_t n) { return Below(n) == 0; }

  template <typename T, size_t N>
  const T& Pick(const T (&items)[N]) {
    return items[Below(N)];
  }

 private:
  static constexpr uint64_t kIncrement = 1442695040888963407u;
  uint64_t state_;
};

}  // namespace redthread
