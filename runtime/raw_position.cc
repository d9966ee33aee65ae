#include "runtime/raw_position.h"

#include <algorithm>
#include <charconv>

namespace redthread {
namespace {

constexpr std::string_view kVersion = "v1";

template <typename Number>
bool Parse(std::string_view text, Number* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string RawPosition::Note() const {
  std::string note = std::string(kVersion) + " epoch=" + std::to_string(epoch) +
                     " rules=" + std::to_string(rules) + " mark=" + std::to_string(fingerprint);
  if (seen.has_value()) note += " seen=" + std::to_string(seen->ns);
  if (greatest.has_value()) note += " greatest=" + std::to_string(greatest->ns);
  if (ended) note += " ended=1";
  return note;
}

std::optional<RawPosition> RawPosition::Of(int64_t next, std::string_view note) {
  RawPosition position;
  position.next = static_cast<uint64_t>(next);
  bool is_version = false;
  while (!note.empty()) {
    const std::string_view word = note.substr(0, note.find(' '));
    note.remove_prefix(std::min(note.size(), word.size() + 1));
    if (word == kVersion) is_version = true;
    const size_t equals = word.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = word.substr(0, equals);
    const std::string_view value = word.substr(equals + 1);
    bool whole = true;
    Timestamp time;
    if (name == "epoch") whole = Parse(value, &position.epoch);
    if (name == "rules") whole = Parse(value, &position.rules);
    if (name == "mark") whole = Parse(value, &position.fingerprint);
    if (name == "seen" && (whole = Parse(value, &time.ns))) position.seen = time;
    if (name == "greatest" && (whole = Parse(value, &time.ns))) position.greatest = time;
    if (name == "ended") position.ended = value == "1";
    if (!whole) return std::nullopt;
  }
  return is_version ? std::optional(position) : std::nullopt;
}

}  // namespace redthread
