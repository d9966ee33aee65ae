#include "app/numbers.h"

#include <fmt/format.h>

namespace redthread {

std::string WithThousands(uint64_t n) {
  std::string digits = std::to_string(n);
  for (size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

std::string FormatSize(uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1024 && unit < 6; ++unit) value /= 1024;
  const bool whole = value == static_cast<double>(static_cast<uint64_t>(value));
  return fmt::format("{:.{}f} {}", value, whole ? 0 : 1, kUnits[unit]);
}

std::string Counted(uint64_t n, const char* noun, const char* plural) {
  if (n == 1) return "1 " + std::string(noun);
  return WithThousands(n) + " " + (plural != nullptr ? plural : noun + std::string("s"));
}

std::string TextOf(const AssumedYears& years) {
  return Counted(years.records, "line") + " without a year: taken to be of " + std::to_string(years.first) +
         (years.last > years.first ? " to " + std::to_string(years.last) : "");
}

}  // namespace redthread
