#include "app/nearest_name.h"

#include <algorithm>

#include "core/text.h"

namespace redthread {
namespace {

// Words of a command line or configuration are short; a longer one is no misspelling of any of them, and the
// table below stays small whatever is typed.
constexpr size_t kMaxLength = 64;

// Optimal string alignment distance: Damerau-Levenshtein in which no part is edited twice.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1);  // two rows up, for swaps
  std::vector<size_t> above(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(above);
    above.swap(row);
  }
  return above[b.size()];
}

}  // namespace

std::string NearestName(std::string_view wrong, const std::vector<std::string>& known) {
  if (wrong.empty() || wrong.size() > kMaxLength) return "";
  const std::string folded = Fold(wrong);
  std::string nearest;
  size_t least = kMaxLength;
  for (const std::string& name : known) {
    if (name.size() > kMaxLength) continue;
    const size_t distance = EditDistance(folded, Fold(name));
    const size_t allowed = std::max<size_t>(1, std::max(folded.size(), name.size()) / 3);
    if (distance < least && distance <= allowed) {
      least = distance;
      nearest = name;
    }
  }
  return nearest;
}

std::string DidYouMean(std::string_view wrong, const std::vector<std::string>& known) {
  const std::string nearest = NearestName(wrong, known);
  return nearest.empty() ? "" : " (did you mean '" + nearest + "'?)";
}

}  // namespace redthread
