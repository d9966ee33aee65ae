#include "ingest/text_field.h"

namespace redthread {

std::string_view UnescapeBackslashes(std::string_view raw, std::string_view escaped, bool line_ends,
                                     Event* event) {
  if (raw.find('\\') == std::string_view::npos) return raw;
  char* const out = event->arena().Allocate(raw.size());
  size_t size = 0;
  for (size_t i = 0; i < raw.size(); ++i) {
    const char next = raw[i] == '\\' && i + 1 < raw.size() ? raw[i + 1] : '\0';
    if (next != '\0' && escaped.find(next) != std::string_view::npos) {
      out[size++] = next;
      ++i;
    } else if (line_ends && (next == 'n' || next == 'r')) {
      out[size++] = next == 'n' ? '\n' : '\r';
      ++i;
    } else {
      out[size++] = raw[i];
    }
  }
  event->arena().Shrink(out, size);
  return {out, size};
}

}  // namespace redthread
