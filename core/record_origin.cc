#include "core/record_origin.h"

#include <algorithm>

namespace redthread {

std::optional<SourceFormat> ParseSourceFormat(std::string_view name) {
  std::string_view names = kSourceFormatNames;
  for (uint8_t format = 0; !names.empty(); ++format) {
    const size_t bar = names.find('|');
    if (names.substr(0, bar) == name) return static_cast<SourceFormat>(format);
    names.remove_prefix(bar == std::string_view::npos ? names.size() : bar + 1);
  }
  return std::nullopt;
}

std::string_view NameOf(SourceFormat format) {
  std::string_view names = kSourceFormatNames;
  for (auto before = static_cast<size_t>(format); before > 0; --before)
    names.remove_prefix(std::min(names.size(), names.find('|') + 1));
  return names.substr(0, names.find('|'));
}

}  // namespace redthread
