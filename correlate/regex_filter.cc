#include "correlate/regex_filter.h"

#include <hs/hs.h>

#include <string>

#include "core/text.h"

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

// Code points beyond ASCII become one byte each. To an expression that ignores case, two of them are letters:
// the Kelvin sign and the long s.
void Narrow(std::string_view text, bool ignore_case, std::string* out) {
  constexpr char kBeyondAscii = '\x80';
  out->resize(text.size());
  char* to = out->data();
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c & 0x80) == 0) {
      *to++ = c;
    } else if ((c & 0xC0) != 0x80) {
      const std::string_view rest = text.substr(i);
      *to++ = ignore_case && rest.starts_with("\xE2\x84\xAA") ? 'k'
              : ignore_case && rest.starts_with("\xC5\xBF")   ? 's'
                                                              : kBeyondAscii;
    }
  }
  out->resize(static_cast<size_t>(to - out->data()));
}

}  // namespace

void RegexFilter::FreeDatabase::operator()(hs_database* database) const { hs_free_database(database); }

RegexFilter::View RegexFilter::ViewFor(const MatchRegex& regex) {
  std::string_view source = regex.source;
  bool ignore_case = regex.ignore_case;
  if (source.starts_with("(?i)")) {
    ignore_case = true;
    source.remove_prefix(4);
  }
  if (!IsAscii(source)) return View::kUtf8;
  for (size_t i = 0; i + 1 < source.size(); ++i) {
    // What case is ignored in changes on the way.
    const bool other_flags = source[i] == '(' && source[i + 1] == '?' && source.substr(i + 2, 1) != ":";
    const bool numbered =
        source[i] == '\\' && (source[i + 1] == 'x' || (source[i + 1] >= '0' && source[i + 1] <= '9'));
    if (other_flags || numbered) return View::kUtf8;
  }
  return ignore_case ? View::kBytesIgnoringCase : View::kBytes;
}

std::unique_ptr<const RegexFilter> RegexFilter::Make(const MatchRegex& regex) {
  if (!ReadAlike(regex.source)) return nullptr;
  const View view = ViewFor(regex);
  const unsigned flags = HS_FLAG_PREFILTER | HS_FLAG_SINGLEMATCH | (view == View::kUtf8 ? HS_FLAG_UTF8 : 0u) |
                         (regex.ignore_case ? HS_FLAG_CASELESS : 0u) | (regex.dot_all ? HS_FLAG_DOTALL : 0u) |
                         (regex.multi_line ? HS_FLAG_MULTILINE : 0u);
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  if (hs_compile(regex.source.c_str(), flags, HS_MODE_BLOCK, nullptr, &database, &error) != HS_SUCCESS) {
    hs_free_compile_error(error);
    return nullptr;
  }
  return std::unique_ptr<const RegexFilter>(new RegexFilter(database, view));
}

bool RegexFilter::MayMatch(std::string_view text) const {
  thread_local ThreadScratch scratch;
  thread_local std::string narrowed;
  if (hs_alloc_scratch(database_.get(), &scratch.scratch) != HS_SUCCESS) return true;
  if (view_ != View::kUtf8 && !IsAscii(text)) {
    Narrow(text, view_ == View::kBytesIgnoringCase, &narrowed);
    text = narrowed;
  }
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
