#include "rules/modifier.h"

namespace redthread {
namespace {

struct Entry {
  const char* name;
  Modifier modifier;
};

// The first name of a modifier is the one it is shown by.
constexpr Entry kModifiers[] = {
    {"contains", Modifier::kContains},
    {"startswith", Modifier::kStartsWith},
    {"endswith", Modifier::kEndsWith},
    {"all", Modifier::kAll},
    {"exists", Modifier::kExists},
    {"cased", Modifier::kCased},
    {"neq", Modifier::kNeq},
    {"windash", Modifier::kWindash},
    {"re", Modifier::kRe},
    {"i", Modifier::kRegexI},
    {"m", Modifier::kRegexM},
    {"s", Modifier::kRegexS},
    {"ignorecase", Modifier::kRegexI},
    {"multiline", Modifier::kRegexM},
    {"dotall", Modifier::kRegexS},
    {"base64", Modifier::kBase64},
    {"base64offset", Modifier::kBase64Offset},
    {"utf16le", Modifier::kUtf16Le},
    {"utf16be", Modifier::kUtf16Be},
    {"utf16", Modifier::kUtf16},
    {"wide", Modifier::kWide},
    {"cidr", Modifier::kCidr},
    {"expand", Modifier::kExpand},
    {"fieldref", Modifier::kFieldRef},
    {"lt", Modifier::kLt},
    {"lte", Modifier::kLte},
    {"gt", Modifier::kGt},
    {"gte", Modifier::kGte},
    {"minute", Modifier::kMinute},
    {"hour", Modifier::kHour},
    {"day", Modifier::kDay},
    {"week", Modifier::kWeek},
    {"month", Modifier::kMonth},
    {"year", Modifier::kYear},
};

}  // namespace

std::optional<Modifier> ParseModifier(std::string_view name) {
  for (const Entry& e : kModifiers) {
    if (name == e.name) return e.modifier;
  }
  return std::nullopt;
}

const char* ModifierName(Modifier modifier) {
  for (const Entry& e : kModifiers) {
    if (modifier == e.modifier) return e.name;
  }
  return "";
}

const std::vector<std::string_view>& ModifierNames() {
  static const auto* const kNames = [] {
    auto* names = new std::vector<std::string_view>;
    for (const Entry& e : kModifiers) names->push_back(e.name);
    return names;
  }();
  return *kNames;
}

}  // namespace redthread
