#include "rules/lowering.h"

#include <re2/re2.h>

#include <algorithm>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "core/text.h"
#include "rules/encoding.h"
#include "rules/modifier.h"
#include "rules/windash.h"
#include "rules/yaml_scalar.h"

namespace redthread {
namespace {

// Bytes made by wide or utf16*, before base64 (or instead of it).
struct EncodedBytes {
  std::string bytes;
};
// A string of an item with `re`, before `re` has been applied: it has no Sigma escapes.
struct RegexText {
  std::string text;
};

// A value on its way through the modifiers.
using Draft = std::variant<MatchNull, MatchBool, MatchNumber, MatchPattern, MatchRegex, MatchCidr,
                           MatchCompare, MatchTimePart, MatchExists, MatchFieldRef, EncodedBytes, RegexText>;

bool Has(const std::vector<Modifier>& modifiers, Modifier m) {
  return std::find(modifiers.begin(), modifiers.end(), m) != modifiers.end();
}

re2::RE2::Options RegexOptions(size_t max_memory) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(static_cast<int64_t>(max_memory));
  return options;
}

std::optional<CompareOp> CompareOpOf(Modifier m) {
  switch (m) {
    case Modifier::kLt:
      return CompareOp::kLt;
    case Modifier::kLte:
      return CompareOp::kLte;
    case Modifier::kGt:
      return CompareOp::kGt;
    case Modifier::kGte:
      return CompareOp::kGte;
    default:
      return std::nullopt;
  }
}

std::optional<TimePart> TimePartOf(Modifier m) {
  switch (m) {
    case Modifier::kMinute:
      return TimePart::kMinute;
    case Modifier::kHour:
      return TimePart::kHour;
    case Modifier::kDay:
      return TimePart::kDay;
    case Modifier::kWeek:
      return TimePart::kWeek;
    case Modifier::kMonth:
      return TimePart::kMonth;
    case Modifier::kYear:
      return TimePart::kYear;
    default:
      return std::nullopt;
  }
}

// The number of a value: of a rule's number, or of text that is one.
std::optional<Number> NumberOf(const Draft& draft) {
  if (const auto* n = std::get_if<MatchNumber>(&draft)) return n->value;
  if (const auto* p = std::get_if<MatchPattern>(&draft)) {
    if (!p->pattern.HasWildcard()) return ParseDecimal(p->pattern.Plain());
  }
  return std::nullopt;
}

size_t BytesOf(const Pattern& pattern) {
  size_t bytes = 0;
  for (const Pattern::Part& part : pattern.parts) bytes += sizeof part + part.literal.size();
  return bytes;
}

// Text of a number as a keyword: a float stays visibly one ("5.0").
std::string KeywordText(const RawValue& value) {
  std::string text = NumberText(value);
  if (value.text.find('.') != std::string::npos && text.find_first_not_of("-0123456789") == std::string::npos)
    text += ".0";
  return text;
}

}  // namespace

// One value of an item, from RawValue to MatchValue.
class Lowering::ValueLowering {
 public:
  ValueLowering(Lowering* lowering, const DetectionItem& item, const RawValue& raw)
      : lowering_(lowering), item_(item), raw_(raw) {}

  // False when refused; message() says why.
  bool Run(MatchValue* out) {
    if (!Begin()) return false;
    for (const Modifier m : item_.modifiers) {
      if (m == Modifier::kAll || m == Modifier::kNeq || m == Modifier::kCased) continue;
      if (!ApplyToAll(m)) return false;
      if (placeholder_missing_) return true;  // the rule waits for its values, nothing more can be said
    }
    return Finish(out);
  }

  const std::string& message() const { return message_; }
  size_t offset() const { return offset_; }

 private:
  bool Fail(std::string message) {
    message_ = std::move(message);
    return false;
  }
  // "`base64` needs text".
  bool FailNeeds(Modifier m, std::string_view what) {
    return Fail("`" + std::string(ModifierName(m)) + "` " + std::string(what));
  }

  bool Begin() {
    const bool regex = Has(item_.modifiers, Modifier::kRe);
    switch (raw_.kind) {
      case RawValue::Kind::kNull:
        if (item_.keywords()) return Fail("a keyword cannot be null, write the text to search for");
        drafts_.emplace_back(MatchNull{});
        break;
      case RawValue::Kind::kBool:
        if (item_.keywords()) return Fail("a keyword cannot be a boolean, quote it to search for the word");
        drafts_.emplace_back(MatchBool{raw_.boolean});
        break;
      case RawValue::Kind::kNumber:
        if (!item_.keywords()) {
          drafts_.emplace_back(MatchNumber{raw_.number});
        } else {
          BeginText(KeywordText(raw_), regex);
        }
        break;
      case RawValue::Kind::kString:
        BeginText(raw_.text, regex);
        break;
    }
    return true;
  }

  void BeginText(const std::string& text, bool regex) {
    if (regex) {
      drafts_.emplace_back(RegexText{text});
    } else {
      drafts_.emplace_back(MatchPattern{Pattern::Parse(text)});
    }
  }

  bool ApplyToAll(Modifier m) {
    std::vector<Draft> before = std::move(drafts_);
    drafts_.clear();
    drafts_.reserve(before.size());
    for (Draft& draft : before) {
      if (!Apply(m, std::move(draft))) return false;
    }
    return true;
  }

  // Appends what `m` makes of the draft.
  bool Apply(Modifier m, Draft draft) {
    switch (m) {
      case Modifier::kContains:
        return Open(m, std::move(draft), true, true);
      case Modifier::kStartsWith:
        return Open(m, std::move(draft), false, true);
      case Modifier::kEndsWith:
        return Open(m, std::move(draft), true, false);
      case Modifier::kWindash:
        return Windash(draft);
      case Modifier::kWide:
      case Modifier::kUtf16Le:
      case Modifier::kUtf16Be:
      case Modifier::kUtf16:
        return Encode(m, draft);
      case Modifier::kBase64:
      case Modifier::kBase64Offset:
        return ToBase64(m, std::move(draft));
      case Modifier::kRe:
        if (const auto* text = std::get_if<RegexText>(&draft)) return Add(MatchRegex{text->text});
        return Fail("`re` must be the first modifier and needs text, quote the value");
      case Modifier::kRegexI:
      case Modifier::kRegexM:
      case Modifier::kRegexS:
        return SetRegexFlag(m, std::move(draft));
      case Modifier::kCidr:
        return ToCidr(draft);
      case Modifier::kFieldRef:
        return ToFieldRef(draft);
      case Modifier::kExists:
        return ToExists(draft);
      case Modifier::kExpand:
        return Expand(draft);
      default:
        return ToComparison(m, std::move(draft));
    }
  }

  bool Add(Draft draft) {
    drafts_.push_back(std::move(draft));
    return true;
  }

  // Adds one of several alternatives, counting it against what a rule may have.
  bool AddAlternative(Pattern pattern) {
    expanded_ = true;
    lowering_->alternatives_ += 1;
    lowering_->alternative_bytes_ += BytesOf(pattern);
    if (lowering_->alternatives_ > kMaxAlternatives || lowering_->alternative_bytes_ > kMaxAlternativeBytes) {
      return Fail("the rule's values grow beyond " + std::to_string(kMaxAlternatives) + " alternatives or " +
                  std::to_string(kMaxAlternativeBytes >> 20) + " MiB once expanded, split it");
    }
    return Add(MatchPattern{std::move(pattern)});
  }

  bool Open(Modifier m, Draft draft, bool left, bool right) {
    if (std::holds_alternative<MatchNumber>(draft)) {
      return Add(MatchPattern{Pattern::Literal(NumberText(raw_)).Wrapped(left, right)});
    }
    if (const auto* p = std::get_if<MatchPattern>(&draft)) {
      return Add(MatchPattern{p->pattern.Wrapped(left, right)});
    }
    if (const auto* e = std::get_if<EncodedBytes>(&draft)) {
      return Add(MatchPattern{Pattern::Literal(Latin1ToUtf8(e->bytes)).Wrapped(left, right)});
    }
    if (auto* f = std::get_if<MatchFieldRef>(&draft)) {
      f->open_left = f->open_left || left;
      f->open_right = f->open_right || right;
      return Add(std::move(draft));
    }
    if (std::holds_alternative<MatchRegex>(draft)) return Add(std::move(draft));  // is searched for anyway
    if (std::holds_alternative<RegexText>(draft)) {
      return Fail("`re` must be the first modifier, write `|re|...`");
    }
    return FailNeeds(m, "needs text or a number, quote the value");
  }

  bool Windash(const Draft& draft) {
    const auto* p = std::get_if<MatchPattern>(&draft);
    if (p == nullptr) return FailNeeds(Modifier::kWindash, "needs text, quote the value");
    std::vector<std::vector<std::string>> choices;  // of each part
    size_t total = 1;
    for (const Pattern::Part& part : p->pattern.parts) {
      choices.push_back(WindashVariants(part.literal, kMaxDashes));
      if (choices.back().empty()) {
        return FailNeeds(Modifier::kWindash, "varies at most 6 dashes of a text, split the value");
      }
      total *= choices.back().size();
      if (total > kMaxAlternatives)
        return FailNeeds(Modifier::kWindash, "has too many dashes here, split the value");
    }
    for (size_t n = 0; n < total; ++n) {
      Pattern variant;
      size_t rest = n;
      for (size_t i = 0; i < choices.size(); ++i) {
        variant.Append({p->pattern.parts[i].kind, choices[i][rest % choices[i].size()]});
        rest /= choices[i].size();
      }
      if (!AddAlternative(std::move(variant))) return false;
    }
    return true;
  }

  // Text without wildcards, for modifiers that need the very bytes.
  bool PlainText(Modifier m, const Draft& draft, std::string* text) {
    const auto* p = std::get_if<MatchPattern>(&draft);
    if (p == nullptr) return FailNeeds(m, "needs text, quote the value");
    if (p->pattern.HasWildcard()) {
      return FailNeeds(m, "takes no wildcards, write `\\*` or `\\?` for the characters themselves");
    }
    *text = p->pattern.Plain();
    return true;
  }

  bool Encode(Modifier m, const Draft& draft) {
    std::string text;
    if (!PlainText(m, draft, &text)) return false;
    std::string bytes = Utf16(text, m == Modifier::kUtf16Be);
    if (m == Modifier::kUtf16) bytes.insert(0, "\xFF\xFE");
    return Add(EncodedBytes{std::move(bytes)});
  }

  bool ToBase64(Modifier m, Draft draft) {
    std::string bytes;
    if (auto* e = std::get_if<EncodedBytes>(&draft)) {
      bytes = std::move(e->bytes);
    } else if (!PlainText(m, draft, &bytes)) {
      return false;
    }
    if (m == Modifier::kBase64) return Add(MatchPattern{Pattern::Literal(Base64(bytes))});
    for (const std::string& form : Base64Offsets(bytes)) {
      if (form.empty()) return FailNeeds(m, "needs at least 2 bytes of text, or it would match everything");
      if (!AddAlternative(Pattern::Literal(form).Wrapped(true, true))) return false;
    }
    return true;
  }

  bool SetRegexFlag(Modifier m, Draft draft) {
    auto* regex = std::get_if<MatchRegex>(&draft);
    if (regex == nullptr) return FailNeeds(m, "is a flag of regular expressions, write it after `re`");
    if (m == Modifier::kRegexI) regex->ignore_case = true;
    if (m == Modifier::kRegexM) regex->multi_line = true;
    if (m == Modifier::kRegexS) regex->dot_all = true;
    return Add(std::move(draft));
  }

  bool ToCidr(const Draft& draft) {
    std::string text;
    if (!PlainText(Modifier::kCidr, draft, &text)) return false;
    const std::optional<Cidr> cidr = ParseCidr(text);
    if (!cidr) return Fail("`" + text + "` is no network, write one like 10.0.0.0/8 or fe80::/10");
    return Add(MatchCidr{*cidr});
  }

  bool ToFieldRef(const Draft& draft) {
    std::string field;
    if (!PlainText(Modifier::kFieldRef, draft, &field)) return false;
    if (field.empty()) return FailNeeds(Modifier::kFieldRef, "needs the name of a field");
    return Add(MatchFieldRef{std::move(field)});
  }

  bool ToExists(const Draft& draft) {
    if (const auto* b = std::get_if<MatchBool>(&draft)) return Add(MatchExists{b->value});
    if (const auto* p = std::get_if<MatchPattern>(&draft)) {
      const std::string text = p->pattern.HasWildcard() ? "" : Fold(p->pattern.Plain());
      if (text == "true" || text == "false") return Add(MatchExists{text == "true"});
    }
    return FailNeeds(Modifier::kExists, "needs `true` or `false`");
  }

  // lt, lte, gt, gte and the time parts, in either order.
  bool ToComparison(Modifier m, Draft draft) {
    const std::optional<CompareOp> op = CompareOpOf(m);
    const std::optional<TimePart> part = TimePartOf(m);
    if (auto* time = std::get_if<MatchTimePart>(&draft); time != nullptr && op) {
      time->op = *op;
      return Add(std::move(draft));
    }
    if (const auto* compare = std::get_if<MatchCompare>(&draft); compare != nullptr && part) {
      return Add(MatchTimePart{*part, compare->op, compare->value});
    }
    const std::optional<Number> n = NumberOf(draft);
    if (!n) return FailNeeds(m, "needs a number");
    if (op) return Add(MatchCompare{*op, *n});
    return Add(MatchTimePart{*part, CompareOp::kEq, *n});
  }

  // Replaces each %name% by each of its values.
  bool Expand(const Draft& draft) {
    const auto* p = std::get_if<MatchPattern>(&draft);
    if (p == nullptr) return FailNeeds(Modifier::kExpand, "needs text with a %placeholder%, quote the value");
    expanded_ = true;
    std::vector<Pattern> patterns(1);
    for (const Pattern::Part& part : p->pattern.parts) {
      if (part.kind != Pattern::Kind::kLiteral) {
        for (Pattern& pattern : patterns) pattern.Append(part);
      } else if (!ExpandLiteral(part.literal, &patterns)) {
        return false;
      }
    }
    for (Pattern& pattern : patterns) {
      if (!AddAlternative(std::move(pattern))) return false;
    }
    return true;
  }

  bool ExpandLiteral(std::string_view text, std::vector<Pattern>* patterns) {
    while (!text.empty()) {
      size_t open = text.find('%');
      while (open != std::string_view::npos && open + 1 < text.size() && text[open + 1] == '%') ++open;
      const size_t close = open == std::string_view::npos ? open : text.find('%', open + 1);
      if (close == std::string_view::npos) {
        AppendLiteral(text, patterns);
        return true;
      }
      AppendLiteral(text.substr(0, open), patterns);
      if (!AppendPlaceholder(std::string(text.substr(open + 1, close - open - 1)), patterns)) return false;
      text.remove_prefix(close + 1);
    }
    return true;
  }

  static void AppendLiteral(std::string_view text, std::vector<Pattern>* patterns) {
    if (text.empty()) return;
    for (Pattern& pattern : *patterns) pattern.Append({Pattern::Kind::kLiteral, std::string(text)});
  }

  bool AppendPlaceholder(const std::string& name, std::vector<Pattern>* patterns) {
    const auto found = lowering_->variables_.find(name);
    if (found == lowering_->variables_.end()) {
      lowering_->missing_.insert(name);
      placeholder_missing_ = true;
      return true;
    }
    lowering_->used_.insert(name);
    if (patterns->size() * found->second.size() > kMaxAlternatives) {
      return Fail("%" + name + "% gives this value more than " + std::to_string(kMaxAlternatives) +
                  " alternatives, split the rule");
    }
    std::vector<Pattern> longer;
    longer.reserve(patterns->size() * found->second.size());
    for (const std::string& value : found->second) {
      const Pattern replacement = Pattern::Parse(value);
      for (const Pattern& pattern : *patterns) {
        longer.push_back(pattern);
        for (const Pattern::Part& part : replacement.parts) longer.back().Append(part);
      }
    }
    *patterns = std::move(longer);
    return true;
  }

  bool Finish(MatchValue* out) {
    if (!expanded_ || drafts_.size() == 1) return FinishOne(std::move(drafts_[0]), out);
    MatchAlternatives alternatives;
    alternatives.values.resize(drafts_.size());
    for (size_t i = 0; i < drafts_.size(); ++i) {
      if (!FinishOne(std::move(drafts_[i]), &alternatives.values[i])) return false;
    }
    out->v = std::move(alternatives);
    return true;
  }

  bool FinishOne(Draft draft, MatchValue* out) {
    if (auto* e = std::get_if<EncodedBytes>(&draft))
      draft = MatchPattern{Pattern::Literal(Latin1ToUtf8(e->bytes))};
    if (const auto* regex = std::get_if<MatchRegex>(&draft)) {
      const RegexCheck& check = lowering_->CheckRegex(*regex);
      if (!check.error.empty()) {
        offset_ = check.offset;
        return Fail("this regular expression does not compile under RE2: " + check.error);
      }
    }
    if (item_.keywords() && !FinishKeyword(&draft)) return false;
    std::visit(
        [&](auto& v) {
          using T = std::decay_t<decltype(v)>;
          if constexpr (!std::is_same_v<T, EncodedBytes> && !std::is_same_v<T, RegexText>)
            out->v = std::move(v);
        },
        draft);
    return true;
  }

  // Keywords are searched for anywhere in a value, unless a modifier says at which end.
  bool FinishKeyword(Draft* draft) {
    if (std::holds_alternative<MatchFieldRef>(*draft) || std::holds_alternative<MatchExists>(*draft)) {
      return Fail("a keyword has no field, so `fieldref` and `exists` mean nothing here");
    }
    auto* p = std::get_if<MatchPattern>(draft);
    const bool one_end =
        Has(item_.modifiers, Modifier::kStartsWith) || Has(item_.modifiers, Modifier::kEndsWith);
    if (p != nullptr && !one_end) p->pattern = p->pattern.Wrapped(true, true);
    return true;
  }

  Lowering* lowering_;
  const DetectionItem& item_;
  const RawValue& raw_;
  std::vector<Draft> drafts_;
  bool expanded_ = false;
  bool placeholder_missing_ = false;
  std::string message_;
  size_t offset_ = 0;
};

void Lowering::BeginRule() {
  missing_.clear();
  used_.clear();
  alternatives_ = 0;
  alternative_bytes_ = 0;
}

void Lowering::Lower(DetectionItem* item, std::vector<LoweringProblem>* problems) {
  item->all = Has(item->modifiers, Modifier::kAll);
  item->negated = Has(item->modifiers, Modifier::kNeq);
  item->cased = Has(item->modifiers, Modifier::kCased);
  item->values.resize(item->raw_values.size());
  for (size_t i = 0; i < item->raw_values.size(); ++i) {
    ValueLowering value(this, *item, item->raw_values[i]);
    if (!value.Run(&item->values[i])) problems->push_back({i, value.offset(), value.message()});
  }
}

const Lowering::RegexCheck& Lowering::CheckRegex(const MatchRegex& regex) {
  std::string flags;
  if (regex.ignore_case) flags += 'i';
  if (regex.multi_line) flags += 'm';
  if (regex.dot_all) flags += 's';
  if (!flags.empty()) flags = "(?" + flags + ")";
  const auto [entry, is_new] = regex_checks_.try_emplace(flags + regex.source);
  if (is_new) {
    const re2::StringPiece pattern(entry->first.data(), entry->first.size());
    const re2::RE2 compiled(pattern, RegexOptions(kMaxRegexMemory));
    if (!compiled.ok()) {
      const size_t place = regex.source.find(compiled.error_arg());
      entry->second = {compiled.error(), place == std::string::npos ? 0 : place};
    }
  }
  return entry->second;
}

}  // namespace redthread
