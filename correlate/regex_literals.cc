#include "correlate/regex_literals.h"

#include <re2/filtered_re2.h>
#include <re2/re2.h>

#include <algorithm>

#include "core/text.h"

namespace redthread {

namespace {

// The longest run of ASCII in an atom; RE2 has already lower-cased it.
std::string AsciiRun(const std::string& atom) {
  std::string best, run;
  for (const char c : atom) {
    run = static_cast<signed char>(c) >= 0 ? run + c : std::string();
    if (run.size() > best.size()) best = run;
  }
  return Fold(best);
}

}  // namespace

std::vector<std::string> RequiredLiterals(const MatchRegex& regex) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_case_sensitive(!regex.ignore_case);
  options.set_dot_nl(regex.dot_all);
  options.set_never_capture(true);
  re2::FilteredRE2 filtered(3);
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
  std::string longest;
  for (size_t a = 0; a < atoms.size(); ++a) {
    const std::string run = AsciiRun(atoms[a]);
    if (run.size() > longest.size() && !may_match_without(a)) longest = run;
  }
  if (!longest.empty()) return {longest};
  std::vector<std::string> all;
  for (const std::string& atom : atoms) {
    const std::string run = AsciiRun(atom);
    if (run.empty()) return {};
    all.push_back(run);
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

}  // namespace redthread
