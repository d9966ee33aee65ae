#include "tests/oracle/slow_value.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>

namespace redthread {
namespace {

Status Refused(const std::string& why) { return Status::Invalid(why); }

bool Contains(const std::vector<Modifier>& modifiers, Modifier m) {
  return std::find(modifiers.begin(), modifiers.end(), m) != modifiers.end();
}

SlowPattern Open(SlowPattern pattern, bool left, bool right) {
  if (left) pattern.insert(pattern.begin(), kAnyRun);
  if (right) pattern.push_back(kAnyRun);
  return pattern;
}

SlowPattern Latin1(const std::string& bytes) {
  SlowPattern out;
  for (const char c : bytes) out.push_back(static_cast<unsigned char>(c));
  return out;
}

// ---- windash, expand: one text becomes several ----

bool IsWordCharacter(char32_t c) {
  if (c < 0x80) return std::isalnum(static_cast<int>(c)) != 0 || c == U'_';
  // Beyond ASCII: letters, as far as a rule's flags can need them. Punctuation and symbols are none.
  return c >= 0xC0 && c <= 0x10FFFF && c != 0xD7 && c != 0xF7 && !(c >= 0x2000 && c <= 0x2BFF) &&
         !(c >= 0x3000 && c <= 0x303F);
}

// A `-` or `/` that starts a word. Source: pySigma 1.5.1, modifiers.py: \B[-/]\b.
bool IsFlagDash(const SlowPattern& p, size_t i) {
  return (p[i] == U'-' || p[i] == U'/') && (i == 0 || !IsWordCharacter(p[i - 1])) && i + 1 < p.size() &&
         IsWordCharacter(p[i + 1]);
}

SlowAlternatives Windash(const SlowPattern& pattern) {
  std::vector<SlowPattern> variants = {{}};
  for (size_t i = 0; i < pattern.size(); ++i) {
    const std::u32string choices =
        IsFlagDash(pattern, i) ? U"-/\u2013\u2014\u2015" : std::u32string(1, pattern[i]);
    std::vector<SlowPattern> longer;
    for (const SlowPattern& variant : variants) {
      for (const char32_t c : choices) longer.push_back(variant + c);
    }
    variants = std::move(longer);
  }
  SlowAlternatives out;
  for (SlowPattern& variant : variants) out.values.push_back({SlowText{std::move(variant)}});
  return out;
}

// Where a placeholder that starts at `i` ends (past its second %), or i when there is none.
size_t PlaceholderEnd(const SlowPattern& p, size_t i) {
  if (p[i] != U'%') return i;
  size_t end = i + 1;
  while (end < p.size() && p[end] != U'%' && p[end] <= 0x10FFFF) ++end;
  return end > i + 1 && end < p.size() && p[end] == U'%' ? end + 1 : i;
}

Result<SlowValue> Expand(const SlowPattern& pattern, const SiteVariables& variables) {
  std::vector<SlowPattern> variants = {{}};
  for (size_t i = 0; i < pattern.size();) {
    const size_t end = PlaceholderEnd(pattern, i);
    std::vector<SlowPattern> choices;
    if (end == i) {
      choices.push_back(pattern.substr(i++, 1));
    } else {
      const auto found = variables.find(CodePointsToUtf8(pattern.substr(i + 1, end - i - 2)));
      if (found == variables.end()) return Refused("unresolved placeholder");
      for (const std::string& value : found->second) choices.push_back(ParseSlowPattern(value));
      i = end;
    }
    std::vector<SlowPattern> longer;
    for (const SlowPattern& variant : variants) {
      for (const SlowPattern& choice : choices) longer.push_back(variant + choice);
    }
    variants = std::move(longer);
  }
  SlowAlternatives out;
  for (SlowPattern& variant : variants) out.values.push_back({SlowText{std::move(variant)}});
  return SlowValue{out};
}

// ---- encodings ----

Result<std::string> PlainText(const SlowValue& value) {
  const auto* text = std::get_if<SlowText>(&value.v);
  if (text == nullptr) return Refused("this modifier needs a string");
  if (HasWildcard(text->pattern)) return Refused("wildcard not allowed with this modifier");
  return CodePointsToUtf8(text->pattern);
}

// Source: RFC 2781, section 2.1.
std::string Utf16(const std::u32string& text, bool big_endian) {
  std::string out;
  const auto unit = [&](char32_t u) {
    const char high = static_cast<char>(u >> 8), low = static_cast<char>(u & 0xFF);
    out += big_endian ? high : low;
    out += big_endian ? low : high;
  };
  for (const char32_t c : text) {
    if (c < 0x10000) {
      unit(c);
    } else {
      unit(0xD800 + ((c - 0x10000) >> 10));
      unit(0xDC00 + ((c - 0x10000) & 0x3FF));
    }
  }
  return out;
}

Result<SlowValue> Encode(Modifier m, const SlowValue& value) {
  const Result<std::string> plain = PlainText(value);
  if (!plain.ok()) return plain.status();
  std::string bytes = Utf16(Utf8ToCodePoints(plain.value()), m == Modifier::kUtf16Be);
  if (m == Modifier::kUtf16) bytes.insert(0, "\xFF\xFE");
  return SlowValue{SlowBytes{bytes}};
}

// The text of `bytes` in the middle of a longer base64 text, for each of the three places at which it can
// start within a group of three bytes; characters that also depend on the neighbours are cut off.
// Source: pySigma 1.5.1, modifiers.py, SigmaBase64OffsetModifier.
SlowAlternatives Base64Offsets(const std::string& bytes) {
  SlowAlternatives out;
  for (size_t shift = 0; shift < 3; ++shift) {
    const std::string text = SlowBase64(std::string(shift, ' ') + bytes);
    const size_t cut_front = std::array<size_t, 3>{0, 2, 3}[shift];
    const size_t cut_back = std::array<size_t, 3>{0, 3, 2}[(bytes.size() + shift) % 3];
    const bool left = text.size() > cut_front + cut_back;
    const std::string stable = left ? text.substr(cut_front, text.size() - cut_front - cut_back) : "";
    out.values.push_back({SlowText{Open(Utf8ToCodePoints(stable), true, true)}});
  }
  return out;
}

Result<SlowValue> EncodeBase64(Modifier m, const SlowValue& value) {
  std::string bytes;
  if (const auto* encoded = std::get_if<SlowBytes>(&value.v)) {
    bytes = encoded->bytes;
  } else {
    Result<std::string> plain = PlainText(value);
    if (!plain.ok()) return plain.status();
    bytes = plain.value();
  }
  if (m == Modifier::kBase64Offset) return SlowValue{Base64Offsets(bytes)};
  return SlowValue{SlowText{Utf8ToCodePoints(SlowBase64(bytes))}};
}

// ---- the modifiers ----

Result<SlowValue> Affix(Modifier m, SlowValue value) {
  const bool left = m != Modifier::kStartsWith, right = m != Modifier::kEndsWith;
  if (const auto* number = std::get_if<Number>(&value.v)) {
    value.v = SlowText{Utf8ToCodePoints(SlowNumberText(*number))};
  }
  if (auto* ref = std::get_if<SlowFieldRef>(&value.v)) {
    ref->open_left |= left;
    ref->open_right |= right;
  } else if (auto* text = std::get_if<SlowText>(&value.v)) {
    text->pattern = Open(text->pattern, left, right);
  } else if (auto* bytes = std::get_if<SlowBytes>(&value.v)) {
    value.v = SlowText{Open(Latin1(bytes->bytes), left, right)};
  } else if (!std::holds_alternative<SlowRegex>(value.v)) {
    return Refused("contains, startswith and endswith need a text");
  }
  return value;
}

Result<SlowNumber> NeedNumber(const SlowValue& value) {
  if (const auto* number = std::get_if<Number>(&value.v)) return ToSlowNumber(*number);
  const Result<std::string> plain = PlainText(value);
  if (!plain.ok()) return plain.status();
  const std::optional<SlowNumber> number = DecimalOf(plain.value());
  if (!number) return Refused("this modifier needs a number");
  return *number;
}

Result<SlowValue> Comparison(Modifier m, SlowValue value) {
  if (auto* part = std::get_if<SlowTimePart>(&value.v)) {
    part->op = m;
    return value;
  }
  const Result<SlowNumber> number = NeedNumber(value);
  if (!number.ok()) return number.status();
  return SlowValue{SlowCompare{m, number.value()}};
}

Result<SlowValue> PartOfTime(Modifier m, const SlowValue& value) {
  if (const auto* compare = std::get_if<SlowCompare>(&value.v)) {
    return SlowValue{SlowTimePart{m, compare->op, compare->number}};
  }
  const Result<SlowNumber> number = NeedNumber(value);
  if (!number.ok()) return number.status();
  return SlowValue{SlowTimePart{m, std::nullopt, number.value()}};
}

Result<SlowValue> Exists(const SlowValue& value) {
  if (const bool* wanted = std::get_if<bool>(&value.v)) return SlowValue{SlowExists{*wanted}};
  const Result<std::string> plain = PlainText(value);
  if (!plain.ok()) return plain.status();
  const std::u32string folded = SlowFold(Utf8ToCodePoints(plain.value()));
  if (folded != U"true" && folded != U"false") return Refused("exists needs a boolean");
  return SlowValue{SlowExists{folded == U"true"}};
}

Result<SlowValue> RegexFlag(Modifier m, SlowValue value) {
  auto* regex = std::get_if<SlowRegex>(&value.v);
  if (regex == nullptr) return Refused("regex flag without re");
  regex->ignore_case |= m == Modifier::kRegexI;
  regex->multi_line |= m == Modifier::kRegexM;
  regex->dot_all |= m == Modifier::kRegexS;
  return value;
}

Result<SlowValue> Network(const SlowValue& value) {
  const Result<std::string> plain = PlainText(value);
  if (!plain.ok()) return plain.status();
  const std::optional<SlowNetwork> network = ParseSlowNetwork(plain.value());
  if (!network) return Refused("bad CIDR");
  return SlowValue{*network};
}

Result<SlowValue> ApplyOne(Modifier m, const SlowValue& value, const SiteVariables& variables);

Result<SlowValue> ApplyToEach(Modifier m, const SlowAlternatives& alternatives,
                              const SiteVariables& variables) {
  SlowAlternatives out;
  for (const SlowValue& value : alternatives.values) {
    Result<SlowValue> applied = ApplyOne(m, value, variables);
    if (!applied.ok()) return applied;
    if (auto* more = std::get_if<SlowAlternatives>(&applied->v)) {
      out.values.insert(out.values.end(), more->values.begin(), more->values.end());
    } else {
      out.values.push_back(applied.value());
    }
  }
  return SlowValue{out};
}

Result<SlowValue> ApplyOne(Modifier m, const SlowValue& value, const SiteVariables& variables) {
  if (const auto* alternatives = std::get_if<SlowAlternatives>(&value.v)) {
    return ApplyToEach(m, *alternatives, variables);
  }
  const auto* text = std::get_if<SlowText>(&value.v);
  switch (m) {
    case Modifier::kContains:
    case Modifier::kStartsWith:
    case Modifier::kEndsWith:
      return Affix(m, value);
    case Modifier::kWindash:
      if (text == nullptr) return Refused("windash needs a string");
      return SlowValue{Windash(text->pattern)};
    case Modifier::kExpand:
      if (text == nullptr) return Refused("expand needs a string");
      return Expand(text->pattern, variables);
    case Modifier::kWide:
    case Modifier::kUtf16Le:
    case Modifier::kUtf16Be:
    case Modifier::kUtf16:
      return Encode(m, value);
    case Modifier::kBase64:
    case Modifier::kBase64Offset:
      return EncodeBase64(m, value);
    case Modifier::kRe:
      if (const auto* raw = std::get_if<SlowRegexSource>(&value.v)) return SlowValue{SlowRegex{raw->source}};
      return Refused("re must be the first modifier of a string");
    case Modifier::kRegexI:
    case Modifier::kRegexM:
    case Modifier::kRegexS:
      return RegexFlag(m, value);
    case Modifier::kCidr:
      return Network(value);
    case Modifier::kFieldRef: {
      Result<std::string> plain = PlainText(value);
      if (!plain.ok()) return plain.status();
      return SlowValue{SlowFieldRef{plain.value()}};
    }
    case Modifier::kExists:
      return Exists(value);
    case Modifier::kLt:
    case Modifier::kLte:
    case Modifier::kGt:
    case Modifier::kGte:
      return Comparison(m, value);
    case Modifier::kMinute:
    case Modifier::kHour:
    case Modifier::kDay:
    case Modifier::kWeek:
    case Modifier::kMonth:
    case Modifier::kYear:
      return PartOfTime(m, value);
    case Modifier::kAll:
    case Modifier::kNeq:
    case Modifier::kCased:
      return value;  // they are about the item, not about a value
  }
  return Refused("unknown modifier");
}

// ---- before and after the chain ----

Result<SlowValue> FirstForm(const DetectionItem& item, const RawValue& raw) {
  const bool keyword = item.field.empty();
  const auto text_form = [&](const std::string& text) {
    // A regular expression takes no Sigma escapes.
    if (Contains(item.modifiers, Modifier::kRe)) return SlowValue{SlowRegexSource{text}};
    return SlowValue{SlowText{ParseSlowPattern(text)}};
  };
  switch (raw.kind) {
    case RawValue::Kind::kNull:
      if (keyword) return Refused("null keyword");
      return SlowValue{SlowNull{}};
    case RawValue::Kind::kBool:
      if (keyword) return Refused("boolean keyword");
      return SlowValue{raw.boolean};
    case RawValue::Kind::kNumber:
      if (!keyword) return SlowValue{raw.number};
      return text_form(raw.number.integral ? std::to_string(raw.number.integer)
                                           : ShortestDouble(raw.number.real));
    case RawValue::Kind::kString:
      return text_form(raw.text);
  }
  return Refused("unknown kind of value");
}

Status CompileRegex(SlowRegex* regex) {
  std::string flags;
  if (regex->ignore_case) flags += 'i';
  if (regex->multi_line) flags += 'm';
  if (regex->dot_all) flags += 's';
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(int64_t{256} << 20);
  const std::string source = flags.empty() ? regex->source : "(?" + flags + ")" + regex->source;
  regex->compiled = std::make_shared<const re2::RE2>(source, options);
  return regex->compiled->ok() ? Status::Ok() : Refused("bad regex: " + regex->compiled->error());
}

// Settles what is left open when the chain is done. A keyword is searched for within a text, unless
// startswith or endswith says where.
Status Finish(bool open_keyword, SlowValue* value) {
  if (auto* alternatives = std::get_if<SlowAlternatives>(&value->v)) {
    for (SlowValue& each : alternatives->values) RT_RETURN_IF_ERROR(Finish(open_keyword, &each));
  } else if (auto* text = std::get_if<SlowText>(&value->v)) {
    if (open_keyword) text->pattern = Open(text->pattern, true, true);
    text->folded = SlowFold(text->pattern);
  } else if (auto* bytes = std::get_if<SlowBytes>(&value->v)) {
    value->v = SlowText{Latin1(bytes->bytes), SlowFold(Latin1(bytes->bytes))};
  } else if (auto* regex = std::get_if<SlowRegex>(&value->v)) {
    return CompileRegex(regex);
  }
  return Status::Ok();
}

}  // namespace

Result<SlowItem> ApplyModifiers(const DetectionItem& item, const SiteVariables& variables) {
  SlowItem out;
  out.all = Contains(item.modifiers, Modifier::kAll);
  out.negated = Contains(item.modifiers, Modifier::kNeq);
  out.cased = Contains(item.modifiers, Modifier::kCased);
  const bool open_keyword = item.field.empty() && !Contains(item.modifiers, Modifier::kStartsWith) &&
                            !Contains(item.modifiers, Modifier::kEndsWith);
  for (const RawValue& raw : item.raw_values) {
    Result<SlowValue> value = FirstForm(item, raw);
    for (const Modifier m : item.modifiers) {
      if (value.ok()) value = ApplyOne(m, value.value(), variables);
    }
    if (!value.ok()) return value.status();
    RT_RETURN_IF_ERROR(Finish(open_keyword, &value.value()));
    out.values.push_back(std::move(value).value());
  }
  if (out.values.empty()) return Refused("no values");
  return out;
}

std::string SlowBase64(const std::string& bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bits;
  for (const char c : bytes) {
    for (int bit = 7; bit >= 0; --bit) bits += (c >> bit) & 1 ? '1' : '0';
  }
  while (bits.size() % 6 != 0) bits += '0';
  std::string out;
  for (size_t i = 0; i < bits.size(); i += 6) out += kDigits[std::stoi(bits.substr(i, 6), nullptr, 2)];
  while (out.size() % 4 != 0) out += '=';
  return out;
}

}  // namespace redthread
