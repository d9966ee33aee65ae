// What a rule's value becomes after its modifiers, worked out a second time from the rule's own words: the
// modifiers as written, applied one after the other to the values as written. Nothing is taken from what the
// loader made of them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "core/status.h"
#include "rules/rule_set.h"
#include "tests/oracle/slow_text.h"

namespace re2 {
class RE2;
}

namespace redthread {

struct SlowNull {};
struct SlowText {
  SlowPattern pattern;  // covers the whole text
  SlowPattern folded;   // the same in lower case; set when the chain is done
};
struct SlowBytes {
  std::string bytes;  // what wide and its relatives make; alone they are compared as Latin-1
};
struct SlowRegexSource {
  std::string source;  // a value of a chain with `re`, before `re` itself
};
struct SlowRegex {
  std::string source;
  bool ignore_case = false, multi_line = false, dot_all = false;
  std::shared_ptr<const re2::RE2> compiled;  // set when the chain is done
};
struct SlowAddress {
  int bits = 0;  // 32 or 128
  std::array<uint8_t, 16> bytes{};
};
struct SlowNetwork {
  SlowAddress address;
  int prefix = 0;
};
struct SlowFieldRef {
  std::string field;
  bool open_left = false, open_right = false;
};
struct SlowCompare {
  Modifier op = Modifier::kLt;
  SlowNumber number = 0;
};
struct SlowTimePart {
  Modifier part = Modifier::kHour;
  std::optional<Modifier> op;  // nothing: equal
  SlowNumber number = 0;
};
struct SlowExists {
  bool wanted = true;
};
struct SlowValue;
// One value of the rule that a modifier expanded: any of them will do, also under `all`.
struct SlowAlternatives {
  std::vector<SlowValue> values;
};
struct SlowValue {
  std::variant<SlowNull, bool, Number, SlowText, SlowBytes, SlowRegexSource, SlowRegex, SlowNetwork,
               SlowFieldRef, SlowCompare, SlowTimePart, SlowExists, SlowAlternatives>
      v;
};

struct SlowItem {
  std::vector<SlowValue> values;
  bool all = false;
  bool negated = false;
  bool cased = false;
};

// Applies the modifiers of `item` to its raw values. Invalid when the specification forbids the chain or a
// value of it, or when `variables` lacks a placeholder.
Result<SlowItem> ApplyModifiers(const DetectionItem& item, const SiteVariables& variables);

// Strict dotted quad or RFC 4291 text, optional white space around it.
std::optional<SlowAddress> ParseSlowAddress(std::string_view text);
// Address, then a slash and the prefix length; without them the one address.
std::optional<SlowNetwork> ParseSlowNetwork(std::string_view text);

// Bit by bit; never across families.
bool SlowContains(const SlowNetwork& network, const SlowAddress& address);

// Source: RFC 4648, section 4.
std::string SlowBase64(const std::string& bytes);

}  // namespace redthread
