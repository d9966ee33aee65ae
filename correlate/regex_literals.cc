#include "correlate/regex_literals.h"

#include <re2/filtered_re2.h>
#include <re2/re2.h>

#include <algorithm>

#include "core/text.h"

namespace redthread {

namespace {

constexpr size_t kMinLiteral = 3;  // shorter ones stand everywhere

bool IgnoresCase(const MatchRegex& regex) {
  if (regex.ignore_case) return true;
  for (size_t at = regex.source.find("(?"); at != std::string::npos; at = regex.source.find("(?", at + 1)) {
    const size_t end = regex.source.find_first_of(":)-<", at);
    if (regex.source.substr(at, end - at).find('i') != std::string::npos) return true;
  }
  return false;
}

// Whether some character of the expression is not ASCII, as it is or by a \x, octal or \p escape.
bool NamesOtherThanAscii(const std::string& source) {
  for (size_t at = source.find('\\'); at != std::string::npos; at = source.find('\\', at + 2)) {
    if (at + 1 < source.size() && std::string_view("xpP01234567").find(source[at + 1]) != std::string::npos)
      return true;
  }
  return !IsAscii(source);
}

// The letters of RE2's atoms that may stand for a character which Fold does not turn into them: RE2
// lower-cases U+017F to s, which (?i)s matches, and U+0130 to i.
std::string_view DoubtfulLetters(const MatchRegex& regex) {
  if (NamesOtherThanAscii(regex.source)) return "si";
  return IgnoresCase(regex) ? "s" : "";
}

// The longest run of ASCII without `doubtful` letters in an atom; RE2 has already lower-cased it.
std::string SafeRun(const std::string& atom, std::string_view doubtful) {
  std::string best, run;
  for (const char c : atom) {
    const bool safe = static_cast<signed char>(c) >= 0 && doubtful.find(c) == std::string_view::npos;
    run = safe ? run + c : std::string();
    if (run.size() > best.size()) best = run;
  }
  return best.size() < kMinLiteral ? std::string() : best;
}

}  // namespace

std::vector<std::string> RequiredLiterals(const MatchRegex& regex) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_case_sensitive(!regex.ignore_case);
  options.set_dot_nl(regex.dot_all);
  options.set_never_capture(true);
  re2::FilteredRE2 filtered(kMinLiteral);
  int id = 0;
  if (filtered.Add(regex.multi_line ? "(?m)" + regex.source : regex.source, options, &id) != RE2::NoError)
    return {};
  std::vector<std::string> atoms;
  filtered.Compile(&atoms);
  if (atoms.empty()) return {};

  // RE2 knows a boolean formula over the atoms but only tells whether a given set of them lets the expression
  // match. So ask: without which atom alone can it not match? The longest of those will do; else all of them
  // together, if it needs any.
  const auto may_match_without = [&](size_t missing) {
    std::vector<int> present;
    for (size_t a = 0; a < atoms.size(); ++a) {
      if (missing != atoms.size() && a != missing) present.push_back(static_cast<int>(a));
    }
    std::vector<int> potentials;
    filtered.AllPotentials(present, &potentials);
    return !potentials.empty();
  };
  if (may_match_without(atoms.size())) return {};  // with no atom at all
  const std::string_view doubtful = DoubtfulLetters(regex);
  std::string longest;
  for (size_t a = 0; a < atoms.size(); ++a) {
    const std::string run = SafeRun(atoms[a], doubtful);
    if (run.size() > longest.size() && !may_match_without(a)) longest = run;
  }
  if (!longest.empty()) return {longest};
  std::vector<std::string> all;
  for (const std::string& atom : atoms) {
    const std::string run = SafeRun(atom, doubtful);
    if (run.empty()) return {};
    all.push_back(run);
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

}  // namespace redthread
