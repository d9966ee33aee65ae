#include "rules/processing_values.h"

#include <re2/re2.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "rules/lowering.h"
#include "rules/modifier.h"
#include "rules/yaml_scalar.h"

namespace redthread {
namespace {

bool Has(const DetectionItem& item, Modifier m) {
  return std::find(item.modifiers.begin(), item.modifiers.end(), m) != item.modifiers.end();
}

bool OpensText(Modifier m) {
  return m == Modifier::kContains || m == Modifier::kStartsWith || m == Modifier::kEndsWith;
}

// Modifiers after which a value is still its text.
bool KeepsText(Modifier m) {
  return OpensText(m) || m == Modifier::kAll || m == Modifier::kNeq || m == Modifier::kCased ||
         m == Modifier::kExpand;
}

bool IsPlain(const DetectionItem& item) {
  return std::all_of(item.modifiers.begin(), item.modifiers.end(), KeepsText);
}

Pattern Opened(const DetectionItem& item, const Pattern& pattern) {
  const bool both = Has(item, Modifier::kContains);
  return pattern.Wrapped(both || Has(item, Modifier::kEndsWith), both || Has(item, Modifier::kStartsWith));
}

// Text of a file that is not the rule's: complaints stand at the value's beginning.
RawValue TextValue(std::string text, const RawValue& instead_of) {
  RawValue value;
  value.text = std::move(text);
  value.where = instead_of.where;
  return value;
}

// Puts contains, startswith and endswith into the values that still are what the rule wrote.
void PutModifiersIntoText(DetectionItem* item, const std::vector<bool>& is_new) {
  for (size_t i = 0; i < item->raw_values.size(); ++i) {
    RawValue& value = item->raw_values[i];
    if (is_new[i]) continue;
    if (const std::optional<Pattern> text = ProcessedText(*item, value); text.has_value())
      value = TextValue(text->ToSigma(), value);
  }
  item->modifiers.erase(std::remove_if(item->modifiers.begin(), item->modifiers.end(), OpensText),
                        item->modifiers.end());
}

// Calls replace(pattern) for each value that is text: an empty result leaves it. Returns whether any did
// change.
template <typename Replace>
bool ReplaceTexts(DetectionItem* item, Replace&& replace) {
  if (!IsPlain(*item)) return false;
  std::vector<RawValue> values;
  std::vector<bool> is_new;
  for (const RawValue& value : item->raw_values) {
    std::vector<RawValue> instead;
    if (const std::optional<Pattern> text = ProcessedText(*item, value); text.has_value())
      instead = replace(value, *text);
    is_new.insert(is_new.end(), std::max<size_t>(instead.size(), 1), !instead.empty());
    if (instead.empty()) instead.push_back(value);
    std::move(instead.begin(), instead.end(), std::back_inserter(values));
  }
  if (std::find(is_new.begin(), is_new.end(), true) == is_new.end()) return false;
  item->raw_values = std::move(values);
  PutModifiersIntoText(item, is_new);
  return true;
}

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

std::string Replaced(const ReplaceString& replace, std::string text) {
  re2::RE2::GlobalReplace(&text, *replace.regex, Piece(replace.rewrite));
  return text;
}

// The reverse of PlainSigmaText.
Pattern ParsePlainSigmaText(std::string_view text) {
  Pattern pattern;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escapes = text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '*' || text[i + 1] == '?');
    if (escapes) ++i;
    if (!escapes && text[i] == '*') {
      pattern.Append({Pattern::Kind::kAny, {}});
    } else if (!escapes && text[i] == '?') {
      pattern.Append({Pattern::Kind::kOne, {}});
    } else {
      pattern.Append({Pattern::Kind::kLiteral, std::string(1, text[i])});
    }
  }
  return pattern;
}

Pattern ReplacedPattern(const ReplaceString& replace, const Pattern& pattern) {
  if (!replace.skip_special) return ParsePlainSigmaText(Replaced(replace, PlainSigmaText(pattern)));
  Pattern result;
  for (const Pattern::Part& part : pattern.parts) {
    if (part.kind != Pattern::Kind::kLiteral) {
      result.Append(part);
      continue;
    }
    const std::string text = Replaced(replace, part.literal);
    const Pattern put = replace.interpret_special ? Pattern::Parse(text) : Pattern::Literal(text);
    for (const Pattern::Part& p : put.parts) result.Append(p);
  }
  return result;
}

// The next %name% of `text` at or after `from`; npos when there is none.
struct Placeholder {
  size_t begin = std::string_view::npos, end = 0;
  std::string name;
};
Placeholder NextPlaceholder(std::string_view text, size_t from) {
  Placeholder found;
  const size_t open = text.find('%', from);
  const size_t close = open == std::string_view::npos ? open : text.find('%', open + 1);
  if (close == std::string_view::npos) return found;
  if (close == open + 1) return NextPlaceholder(text, close);
  return {open, close + 1, std::string(text.substr(open + 1, close - open - 1))};
}

// Algorithm and hash of "SHA1=...", "*MD5|...", or of a hash alone, by its length.
std::pair<std::string, std::string> HashOf(const SplitHashes& split, const std::string& text) {
  const auto strip = [](std::string_view s) {
    const size_t first = s.find_first_not_of("*?");
    if (first == std::string_view::npos) return std::string();
    return std::string(s.substr(first, s.find_last_not_of("*?") - first + 1));
  };
  const char separator = text.find('|') != std::string::npos ? '|' : '=';
  const size_t at = text.find(separator);
  std::string algorithm, hash;
  if (at != std::string::npos && text.find(separator, at + 1) == std::string::npos) {
    const size_t begin = std::min(text.find_first_not_of('*'), at);
    for (const char c : text.substr(begin, at - begin))
      algorithm += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    hash = strip(std::string_view(text).substr(at + 1));
  } else {
    constexpr std::pair<size_t, const char*> kLengths[] = {
        {32, "MD5"}, {40, "SHA1"}, {64, "SHA256"}, {128, "SHA512"}};
    hash = strip(std::string_view(text).substr(0, at));
    for (const auto& [length, name] : kLengths) {
      if (hash.size() == length) algorithm = name;
    }
  }
  const auto known = std::find(split.algorithms.begin(), split.algorithms.end(), algorithm);
  return {known == split.algorithms.end() ? "" : algorithm, hash};
}

// The placeholders of one value, put in one after the other.
class Filling {
 public:
  Filling(const FillPlaceholders& fill, const std::map<std::string, std::vector<std::string>>& variables,
          const RawValue& value, ProblemList* problems)
      : fill_(fill), variables_(variables), value_(value), problems_(problems) {}

  std::vector<RawValue> Run() {
    for (const Pattern::Part& part : Pattern::Parse(value_.text).parts) {
      if (part.kind != Pattern::Kind::kLiteral) {
        Append(Pattern{{part}});
      } else if (!FillText(part.literal)) {
        return {value_};
      }
    }
    if (!any_) return {value_};
    std::vector<RawValue> values;
    for (const Pattern& pattern : patterns_) values.push_back(TextValue(pattern.ToSigma(), value_));
    return values;
  }

 private:
  void Append(const Pattern& pattern) {
    for (Pattern& p : patterns_) {
      for (const Pattern::Part& part : pattern.parts) p.Append(part);
    }
  }

  bool FillText(const std::string& text) {
    size_t from = 0;
    for (Placeholder p; (p = NextPlaceholder(text, from)).begin != std::string_view::npos; from = p.end) {
      const bool handled = fill_.Handles(p.name);
      Append(Pattern::Literal(text.substr(from, (handled ? p.begin : p.end) - from)));
      if (handled && !Put(p.name)) return false;
    }
    Append(Pattern::Literal(text.substr(from)));
    return true;
  }

  bool Put(const std::string& name) {
    any_ = true;
    const auto found = variables_.find(name);
    if (!fill_.wildcard && found == variables_.end()) {
      problems_->Add(value_.where, "%" + name + "% has no values in the `vars` of the processing pipelines");
      return false;
    }
    const std::vector<std::string> texts = fill_.wildcard ? std::vector<std::string>{"*"} : found->second;
    if (patterns_.size() * texts.size() > Lowering::kMaxAlternatives) {
      problems_->Add(value_.where, "%" + name + "% gives this value more than " +
                                       std::to_string(Lowering::kMaxAlternatives) +
                                       " alternatives, split the rule");
      return false;
    }
    std::vector<Pattern> longer;
    for (const Pattern& pattern : patterns_) {
      for (const std::string& text : texts) {
        longer.push_back(pattern);
        for (const Pattern::Part& part : Pattern::Parse(text).parts) longer.back().Append(part);
      }
    }
    patterns_ = std::move(longer);
    return true;
  }

  const FillPlaceholders& fill_;
  const std::map<std::string, std::vector<std::string>>& variables_;
  const RawValue& value_;
  ProblemList* problems_;
  std::vector<Pattern> patterns_{1};
  bool any_ = false;
};

}  // namespace

std::optional<Pattern> ProcessedText(const DetectionItem& item, const RawValue& value) {
  if (!IsPlain(item)) return std::nullopt;
  if (value.kind == RawValue::Kind::kString) return Opened(item, Pattern::Parse(value.text));
  const bool opens = std::any_of(item.modifiers.begin(), item.modifiers.end(), OpensText);
  if (value.kind == RawValue::Kind::kNumber && opens)
    return Opened(item, Pattern::Literal(NumberText(value)));
  return std::nullopt;
}

std::string PlainSigmaText(const Pattern& pattern) {
  std::string text;
  for (const Pattern::Part& part : pattern.parts) {
    if (part.kind == Pattern::Kind::kAny) text += '*';
    if (part.kind == Pattern::Kind::kOne) text += '?';
    for (const char c : part.literal) {
      if (c == '*' || c == '?') text += '\\';
      text += c;
    }
  }
  return text;
}

bool ProcessedValueIs(const DetectionItem& item, const RawValue& value, const RawValue& wanted) {
  if (const std::optional<Pattern> text = ProcessedText(item, value); text.has_value())
    return wanted.kind == RawValue::Kind::kString && *text == Pattern::Parse(wanted.text);
  if (!IsPlain(item) || value.kind != wanted.kind) return false;
  if (value.kind == RawValue::Kind::kNumber) return Compare(value.number, wanted.number) == 0;
  return value.kind == RawValue::Kind::kNull || value.boolean == wanted.boolean;
}

bool Apply(const ReplaceString& replace, DetectionItem* item) {
  bool any = false;
  ReplaceTexts(item, [&](const RawValue& value, const Pattern& text) {
    any = true;
    Pattern result = ReplacedPattern(replace, text);
    if (result == text) return std::vector<RawValue>();
    return std::vector<RawValue>{TextValue(result.ToSigma(), value)};
  });
  if (!IsPlain(*item)) return any;
  for (RawValue& value : item->raw_values) {  // of numbers the text
    if (value.kind != RawValue::Kind::kNumber || ProcessedText(*item, value).has_value()) continue;
    any = true;
    const std::string text = NumberText(value);
    std::string result = Replaced(replace, text);
    if (result != text) value = TextValue(ParsePlainSigmaText(result).ToSigma(), value);
  }
  return any;
}

bool Apply(const MapString& map, DetectionItem* item) {
  return ReplaceTexts(item, [&](const RawValue& value, const Pattern& text) {
    std::vector<RawValue> values;
    const auto found = map.mapping.find(PlainSigmaText(text));
    if (found == map.mapping.end()) return values;
    for (const std::string& to : found->second) values.push_back(TextValue(to, value));
    return values;
  });
}

bool Apply(const SetValue& set, DetectionItem* item) {
  item->raw_values = {set.value};
  const auto gone = [](Modifier m) { return m != Modifier::kAll && m != Modifier::kNeq; };
  item->modifiers.erase(std::remove_if(item->modifiers.begin(), item->modifiers.end(), gone),
                        item->modifiers.end());
  return true;
}

bool Apply(const ConvertType& convert, DetectionItem* item, ProblemList* problems) {
  if (!IsPlain(*item)) return false;
  bool any = false;
  for (RawValue& value : item->raw_values) {
    if (!convert.to_number && value.kind == RawValue::Kind::kNumber) {
      value = TextValue(NumberText(value), value);
      any = true;
    }
    if (!convert.to_number || value.kind != RawValue::Kind::kString) continue;
    any = true;
    const Pattern text = *ProcessedText(*item, value);
    const std::optional<Number> number = text.HasWildcard() ? std::nullopt : ParseDecimal(text.Plain());
    if (!number.has_value()) {
      problems->Add(value.where,
                    "a processing pipeline wants a number, and `" + PlainSigmaText(text) + "` is none");
      continue;
    }
    value.kind = RawValue::Kind::kNumber;
    value.number = *number;
  }
  return any;
}

std::vector<std::string> PlaceholdersOf(const std::string& text) {
  std::vector<std::string> names;
  size_t from = 0;
  for (Placeholder p; (p = NextPlaceholder(text, from)).begin != std::string_view::npos; from = p.end)
    names.push_back(std::move(p.name));
  return names;
}

std::vector<RawValue> FillValue(const FillPlaceholders& fill,
                                const std::map<std::string, std::vector<std::string>>& variables,
                                const RawValue& value, ProblemList* problems) {
  if (value.kind != RawValue::Kind::kString) return {value};
  return Filling(fill, variables, value, problems).Run();
}

std::optional<std::vector<DetectionItem>> SplitHashesOf(const SplitHashes& split, const DetectionItem& item) {
  if (std::find(split.fields.begin(), split.fields.end(), item.field) == split.fields.end()) return {};
  std::vector<DetectionItem> items;
  std::map<std::string, std::vector<RawValue>> by_field;
  std::vector<std::string> order;
  for (const RawValue& value : item.raw_values) {
    const std::optional<Pattern> text = ProcessedText(item, value);
    if (!text.has_value()) return {};
    const auto [algorithm, hash] = HashOf(split, PlainSigmaText(*text));
    if (algorithm.empty()) continue;
    const std::string field = split.prefix + (split.drop_algorithm ? "" : algorithm);
    std::vector<RawValue>& values = by_field[field];
    if (values.empty()) order.push_back(field);
    values.push_back(TextValue(ParsePlainSigmaText(hash).ToSigma(), value));
  }
  for (const std::string& field : order) {
    DetectionItem& made = items.emplace_back();
    made.field = field;
    made.where = item.where;
    made.raw_values = std::move(by_field[field]);
    made.processed_by = item.processed_by;
  }
  return items;
}

}  // namespace redthread
