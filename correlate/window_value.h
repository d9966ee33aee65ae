// WindowValue: the value of a correlation over the matches in its window, kept up to date as matches enter at
// one end and leave at the other. No change costs more than the logarithm of the window.
//
// It holds no matches: whoever drives it has them, in order, and says which enter and leave. So the same
// class serves a sorted stream with a file behind it and rows in a database.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "correlate/correlation_match.h"
#include "rules/correlation.h"

namespace redthread {

class WindowValue {
 public:
  // What `correlation` counts; it outlives the value. Not for silence and first_seen, which count nothing.
  static std::unique_ptr<WindowValue> For(const Correlation& correlation);
  virtual ~WindowValue() = default;

  // Matches enter in order of (time, reference) and leave in the same order.
  virtual void Enter(const CorrelationMatch& match) = 0;
  virtual void Leave(const CorrelationMatch& match) = 0;
  virtual void Clear() = 0;
  // Over the matches that have entered and not left; `since` is the beginning of the window. Nothing when the
  // value is undefined: of no number at all.
  virtual std::optional<double> Value(Timestamp since) const = 0;
  // How much of a leaving match is looked at.
  virtual MatchPart needs() const = 0;

  // Matches whose fields had more combinations than are looked at.
  uint64_t cut() const { return cut_; }

 protected:
  uint64_t cut_ = 0;
};

// The number that a text is, where values are added up: decimal, with or without an exponent. Nothing for
// other texts and for numbers beyond all doubles.
std::optional<double> ParseValueNumber(std::string_view text);

}  // namespace redthread
