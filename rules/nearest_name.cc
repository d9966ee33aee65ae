#include "rules/nearest_name.h"

#include <algorithm>

namespace redthread {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

size_t EditDistance(std::string_view a, std::string_view b, size_t limit) {
  const size_t longer = std::max(a.size(), b.size());
  if (longer - std::min(a.size(), b.size()) > limit) return limit + 1;
  std::vector<size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    size_t least = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = Lower(a[i - 1]) == Lower(b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && Lower(a[i - 1]) == Lower(b[j - 2]) && Lower(a[i - 2]) == Lower(b[j - 1])) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
      least = std::min(least, row[j]);
    }
    if (least > limit) return limit + 1;
    std::swap(before_last, last);
    std::swap(last, row);
  }
  return std::min(last[b.size()], limit + 1);
}

std::string_view NearestName(std::string_view word, const std::vector<std::string_view>& known) {
  const size_t limit = word.size() < 5 ? 1 : 2;
  std::string_view nearest;
  size_t nearest_distance = limit + 1;
  for (const std::string_view name : known) {
    const size_t distance = EditDistance(word, name, limit);
    if (distance >= nearest_distance || distance >= name.size()) continue;
    nearest = name;
    nearest_distance = distance;
  }
  return nearest;
}

std::string Suggestion(std::string_view word, const std::vector<std::string_view>& known,
                       std::string_view otherwise) {
  const std::string_view nearest = NearestName(word, known);
  if (nearest.empty()) return std::string(otherwise);
  return ", did you mean `" + std::string(nearest) + "`?";
}

std::string JoinNames(const std::vector<std::string_view>& names) {
  std::string joined;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) joined += i + 1 == names.size() ? " and " : ", ";
    joined += names[i];
  }
  return joined;
}

}  // namespace redthread
