#include "correlate/regex_filter.h"

#include <hs/hs.h>

#include <string>

namespace redthread {

namespace {

struct ThreadScratch {
  hs_scratch_t* scratch = nullptr;
  ~ThreadScratch() { hs_free_scratch(scratch); }
};

// To vectorscan the vertical tab is a \s, to RE2 it is none: what excludes \s would miss it. Unicode classes
// come from two versions of Unicode.
bool ReadAlike(std::string_view source) {
  for (const std::string_view other : {"\\S", "[:^", "\\p", "\\P", "\\C"}) {
    if (source.find(other) != std::string_view::npos) return false;
  }
  for (size_t begin = source.find("[^"); begin != std::string_view::npos;
       begin = source.find("[^", begin + 2)) {
    const std::string_view rest = source.substr(begin);
    if (rest.substr(0, rest.find(']', 3)).find("\\s") != std::string_view::npos) return false;
  }
  return true;
}

}  // namespace

void RegexFilter::FreeDatabase::operator()(hs_database* database) const { hs_free_database(database); }

RegexFilter::Texts RegexFilter::KindOf(std::string_view text) {
  char all = 0;
  for (const char c : text) all |= c;
  return (all & 0x80) == 0 ? Texts::kAscii : Texts::kUtf8;
}

std::unique_ptr<const RegexFilter> RegexFilter::Make(const MatchRegex& regex, Texts texts) {
  if (!ReadAlike(regex.source)) return nullptr;
  const unsigned flags = HS_FLAG_PREFILTER | HS_FLAG_SINGLEMATCH |
                         (texts == Texts::kUtf8 ? HS_FLAG_UTF8 : 0u) |
                         (regex.ignore_case ? HS_FLAG_CASELESS : 0u) | (regex.dot_all ? HS_FLAG_DOTALL : 0u) |
                         (regex.multi_line ? HS_FLAG_MULTILINE : 0u);
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  if (hs_compile(regex.source.c_str(), flags, HS_MODE_BLOCK, nullptr, &database, &error) != HS_SUCCESS) {
    hs_free_compile_error(error);
    return nullptr;
  }
  return std::unique_ptr<const RegexFilter>(new RegexFilter(database));
}

bool RegexFilter::MayMatch(std::string_view text) const {
  thread_local ThreadScratch scratch;
  if (hs_alloc_scratch(database_.get(), &scratch.scratch) != HS_SUCCESS) return true;
  bool matched = false;
  const auto on_match = [](unsigned, unsigned long long, unsigned long long, unsigned, void* context) {
    *static_cast<bool*>(context) = true;
    return 1;  // stop
  };
  const hs_error_t scanned = hs_scan(database_.get(), text.data(), static_cast<unsigned>(text.size()), 0,
                                     scratch.scratch, on_match, &matched);
  return matched || scanned != HS_SUCCESS;
}

}  // namespace redthread
