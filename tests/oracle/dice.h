// Dice: where random tests take their choices from: a seed, or the bytes that a fuzzer offers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace redthread {

// One per thread. The same seed or bytes give the same choices on every machine: no distribution of the
// standard library takes part, because those differ from one implementation to the next.
class Dice {
 public:
  explicit Dice(uint64_t seed) : generator_(seed) {}
  // Each choice takes a byte or two while there are any; after that they come from a generator. `data`
  // outlives the dice.
  Dice(const uint8_t* data, size_t size) : generator_(size), data_(data), left_(size) {}

  // 0 to n - 1; n is at least 1.
  size_t Below(size_t n) {
    if (left_ == 0) return static_cast<size_t>(generator_() % n);
    size_t choice = *data_++;
    --left_;
    if (n > 256 && left_ > 0) {
      choice = choice << 8 | *data_++;
      --left_;
    }
    return choice % n;
  }
  bool Chance(size_t percent) { return Below(100) < percent; }
  template <typename Container>
  const auto& Pick(const Container& from) {
    return from[Below(from.size())];
  }

 private:
  std::mt19937_64 generator_;
  const uint8_t* data_ = nullptr;
  size_t left_ = 0;
};

}  // namespace redthread
