#include "correlate/predicate.h"

#include <re2/re2.h>

#include <cassert>
#include <cstring>

namespace redthread {

namespace {

// Instructions of an expression above which its automaton may have too many states to build them all.
constexpr int kLargeProgram = 256;

re2::StringPiece Piece(std::string_view text) { return re2::StringPiece(text.data(), text.size()); }

bool Holds(CompareOp op, int order) {
  switch (op) {
    case CompareOp::kEq:
      return order == 0;
    case CompareOp::kLt:
      return order < 0;
    case CompareOp::kLte:
      return order <= 0;
    case CompareOp::kGt:
      return order > 0;
    case CompareOp::kGte:
      return order >= 0;
  }
  return false;
}

bool Holds(CompareOp op, const Number& a, const Number& b) {
  const std::optional<int> order = Compare(a, b);
  return order.has_value() && Holds(op, *order);
}

std::optional<int> PartOf(const CalendarParts& c, TimePart part) {
  switch (part) {
    case TimePart::kMinute:
      return c.minute;
    case TimePart::kHour:
      return c.hour;
    case TimePart::kDay:
      return c.day;
    case TimePart::kWeek:
      return c.iso_week;
    case TimePart::kMonth:
      return c.month;
    case TimePart::kYear:
      return c.year;
  }
  return std::nullopt;
}

bool Holds(const MatchTimePart& test, const CalendarParts& time) {
  const std::optional<int> part = PartOf(time, test.part);
  return part.has_value() && Holds(test.op, Number{true, *part, 0}, test.value);
}

bool Contains(std::string_view text, std::string_view literal) {
  return literal.empty() || memmem(text.data(), text.size(), literal.data(), literal.size()) != nullptr;
}

// N of `.{N,}`, nothing else of the expression; 0 for any other.
size_t LeastRun(std::string_view regex) {
  if (!regex.starts_with(".{") || !regex.ends_with(",}")) return 0;
  const std::string_view digits = regex.substr(2, regex.size() - 4);
  if (digits.empty() || digits.size() > 6 || digits.find_first_not_of("0123456789") != std::string_view::npos)
    return 0;
  return std::stoul(std::string(digits));
}

// Whether so many code points stand in a row, without a newline between them unless that counts too.
bool HasRun(std::string_view text, size_t least, bool newlines_count) {
  if (text.size() < least) return false;
  size_t run = 0;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0) == 0x80) continue;  // within a code point
    run = c == '\n' && !newlines_count ? 0 : run + 1;
    if (run >= least) return true;
  }
  return false;
}

// Canonical bytes of a number, equal for equal numbers.
std::string Spelling(const Number& n) {
  return n.integral ? "i" + std::to_string(n.integer)
                    : "r" + std::string(reinterpret_cast<const char*>(&n.real), sizeof n.real);
}

}  // namespace

PredicateTable::PredicateTable() = default;
PredicateTable::~PredicateTable() = default;

const re2::RE2& PredicateTable::LazyRegex::Get() const {
  // Most expressions are never reached by any event, so they are compiled when the first one comes. The
  // loader has compiled each once already: it cannot fail here.
  std::call_once(once, [this] {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_case_sensitive(!spec.ignore_case);
    options.set_dot_nl(spec.dot_all);
    options.set_never_capture(true);
    const std::string source = spec.multi_line ? "(?m)" + spec.source : spec.source;
    compiled = std::make_unique<RE2>(source, options);
  });
  return *compiled;
}

bool PredicateTable::LazyRegex::Matches(std::string_view text) const {
  const re2::RE2& re2 = Get();
  if (text.size() > kLongText && re2.ProgramSize() > kLargeProgram) {
    std::call_once(filter_once, [&] { filter = RegexFilter::Make(spec); });
    if (filter != nullptr && !filter->MayMatch(text)) return false;
  }
  return RE2::PartialMatch(Piece(text), re2);
}

uint32_t PredicateTable::AddLiteral(std::string_view text) {
  literals_.push_back({static_cast<uint32_t>(literal_bytes_.size()), static_cast<uint32_t>(text.size())});
  literal_bytes_.append(text);
  return static_cast<uint32_t>(literals_.size() - 1);
}

std::string_view PredicateTable::Literal(const Predicate& p) const {
  const LiteralSpan& span = literals_[p.index];
  return std::string_view(literal_bytes_).substr(span.offset, span.size);
}

PredicateId PredicateTable::Add(FieldId field, const MatchValue& value, bool cased, FieldId other) {
  Predicate p;
  p.field = field;
  p.cased = cased;
  std::string spelling;
  Pattern pattern;
  using Kind = Predicate::Kind;
  if (const auto* m = std::get_if<MatchPattern>(&value.v)) {
    pattern = cased ? m->pattern : m->pattern.Folded();
    const auto& parts = pattern.parts;
    const bool left = !parts.empty() && parts.front().kind == Pattern::Kind::kAny;
    const bool right = parts.size() > (left ? 1 : 0) && parts.back().kind == Pattern::Kind::kAny;
    const size_t middle = parts.size() - (left ? 1 : 0) - (right ? 1 : 0);
    const bool literal = middle == 0 || (middle == 1 && parts[left ? 1 : 0].kind == Pattern::Kind::kLiteral);
    if (!literal) {
      p.kind = Kind::kPattern;
    } else if (left) {
      p.kind = right || middle == 0 ? Kind::kContains : Kind::kEndsWith;
    } else {
      p.kind = right ? Kind::kStartsWith : Kind::kEquals;
    }
    spelling = pattern.ToSigma();
  } else if (const auto* r = std::get_if<MatchRegex>(&value.v)) {
    p.kind = Kind::kRegex;
    p.cased = true;
    spelling = std::string(r->ignore_case ? "i" : "-") + (r->multi_line ? "m" : "-") +
               (r->dot_all ? "s" : "-") + r->source;
  } else if (const auto* n = std::get_if<MatchNumber>(&value.v)) {
    p.kind = Kind::kNumber;
    spelling = Spelling(n->value);
  } else if (const auto* b = std::get_if<MatchBool>(&value.v)) {
    p.kind = Kind::kBool;
    p.index = b->value ? 1 : 0;
    spelling = b->value ? "t" : "f";
  } else if (std::holds_alternative<MatchNull>(value.v)) {
    p.kind = Kind::kNull;
  } else if (const auto* e = std::get_if<MatchExists>(&value.v)) {
    p.kind = Kind::kExists;
    p.index = e->wanted ? 1 : 0;
    spelling = e->wanted ? "t" : "f";
  } else if (const auto* c = std::get_if<MatchCidr>(&value.v)) {
    p.kind = Kind::kCidr;
    spelling = std::string(c->cidr.network.v6 ? "6" : "4") + std::to_string(c->cidr.prefix) + "/" +
               std::string(c->cidr.network.bytes.begin(), c->cidr.network.bytes.end());
  } else if (const auto* k = std::get_if<MatchCompare>(&value.v)) {
    p.kind = Kind::kCompare;
    spelling = std::to_string(static_cast<int>(k->op)) + Spelling(k->value);
  } else if (const auto* t = std::get_if<MatchTimePart>(&value.v)) {
    p.kind = Kind::kTimePart;
    spelling = std::to_string(static_cast<int>(t->part)) + "," + std::to_string(static_cast<int>(t->op)) +
               Spelling(t->value);
  } else if (const auto* f = std::get_if<MatchFieldRef>(&value.v)) {
    p.kind = Kind::kFieldRef;
    spelling = std::string(f->open_left ? "l" : "-") + (f->open_right ? "r" : "-") + f->field;
  } else {
    assert(false && "alternatives are taken apart by the caller");
  }
  // Folding changes nothing that these look at, so they take the text as it is.
  if (p.kind == Kind::kNumber || p.kind == Kind::kCidr || p.kind == Kind::kCompare ||
      p.kind == Kind::kTimePart)
    p.cased = true;
  spelling += '\0';
  spelling += static_cast<char>(p.kind);
  spelling += p.cased ? 'c' : 'f';
  spelling.append(reinterpret_cast<const char*>(&field), sizeof field);

  const auto [known, inserted] =
      known_.try_emplace(std::move(spelling), static_cast<PredicateId>(predicates_.size()));
  if (!inserted) return known->second;
  const auto store = [&p](auto& kind_store, auto v) {
    p.index = static_cast<uint32_t>(kind_store.size());
    kind_store.push_back(std::move(v));
  };
  switch (p.kind) {
    case Kind::kEquals:
    case Kind::kStartsWith:
    case Kind::kEndsWith:
    case Kind::kContains:
      p.index = AddLiteral(pattern.Plain());
      break;
    case Kind::kPattern:
      store(patterns_, std::move(pattern));
      break;
    case Kind::kRegex: {
      auto regex = std::make_unique<LazyRegex>();
      regex->spec = std::get<MatchRegex>(value.v);
      regex->least_run = LeastRun(regex->spec.source);
      store(regexes_, std::move(regex));
      break;
    }
    case Kind::kNumber:
      store(numbers_, std::get<MatchNumber>(value.v).value);
      break;
    case Kind::kCidr:
      store(cidrs_, std::get<MatchCidr>(value.v).cidr);
      break;
    case Kind::kCompare:
      store(compares_, std::get<MatchCompare>(value.v));
      break;
    case Kind::kTimePart:
      store(time_parts_, std::get<MatchTimePart>(value.v));
      break;
    case Kind::kFieldRef: {
      const auto& ref = std::get<MatchFieldRef>(value.v);
      store(field_refs_, FieldRef{other, ref.open_left, ref.open_right});
      break;
    }
    case Kind::kBool:
    case Kind::kNull:
    case Kind::kExists:
      break;
  }
  predicates_.push_back(p);
  return known->second;
}

void PredicateTable::Seal() {
  known_ = {};
  predicates_.shrink_to_fit();
  literal_bytes_.shrink_to_fit();
  literals_.shrink_to_fit();
}

bool PredicateTable::Test(PredicateId id, const Event& event, const FieldMap& map) const {
  const Predicate& p = predicates_[id];
  if (p.field == kAnyField) {
    return event.AnyScalar([&](NodeIndex i) {
      const auto text = p.cased ? event.Text(i) : event.FoldedText(i);
      return text.has_value() && TestString(p, *text);
    });
  }
  const FieldId field = Renamed(map, p.field);
  switch (p.kind) {
    case Predicate::Kind::kNull:
      return !event.AnyValue(field, [&](NodeIndex i) { return event.node(i).type != ValueType::kNull; });
    case Predicate::Kind::kExists:
      return event.Present(field) == (p.index != 0);
    case Predicate::Kind::kFieldRef:
      return TestFieldRef(p, event, map);
    default:
      return event.AnyValue(field, [&](NodeIndex i) { return TestScalar(p, event, i); });
  }
}

bool PredicateTable::TestText(PredicateId id, std::string_view text) const {
  const Predicate& p = predicates_[id];
  switch (p.kind) {
    case Predicate::Kind::kNull:
      return false;
    case Predicate::Kind::kExists:
      return p.index != 0;
    default:
      return p.cased ? TestString(p, text) : TestString(p, Fold(text));
  }
}

bool PredicateTable::TestScalar(const Predicate& p, const Event& event, NodeIndex i) const {
  const ValueType type = event.node(i).type;
  switch (p.kind) {
    case Predicate::Kind::kBool:
      if (type == ValueType::kTrue || type == ValueType::kFalse)
        return (type == ValueType::kTrue) == (p.index != 0);
      if (type != ValueType::kString) return false;
      break;
    case Predicate::Kind::kNumber:
    case Predicate::Kind::kCompare:
      if (type == ValueType::kNumber) {
        const Node& n = event.node(i);
        const auto number = ParseJsonNumber({n.raw, n.raw_size});
        return number.has_value() && TestNumber(p, *number);
      }
      if (type != ValueType::kString) return false;
      break;
    case Predicate::Kind::kTimePart:
      if (type == ValueType::kNumber) {
        const Node& n = event.node(i);
        const auto time = ParseNumericTimestamp({n.raw, n.raw_size});
        return time.has_value() && Holds(time_parts_[p.index], CalendarPartsOf(*time));
      }
      if (type != ValueType::kString) return false;
      break;
    case Predicate::Kind::kCidr:
      if (type != ValueType::kString) return false;
      break;
    default:
      break;
  }
  const auto text = p.cased ? event.Text(i) : event.FoldedText(i);
  return text.has_value() && TestString(p, *text);
}

bool PredicateTable::TestNumber(const Predicate& p, const Number& number) const {
  if (p.kind == Predicate::Kind::kNumber) return Holds(CompareOp::kEq, number, numbers_[p.index]);
  return Holds(compares_[p.index].op, number, compares_[p.index].value);
}

// `text` is folded unless the predicate is cased.
bool PredicateTable::TestString(const Predicate& p, std::string_view text) const {
  switch (p.kind) {
    case Predicate::Kind::kEquals:
      return text == Literal(p);
    case Predicate::Kind::kStartsWith:
      return text.starts_with(Literal(p));
    case Predicate::Kind::kEndsWith:
      return text.ends_with(Literal(p));
    case Predicate::Kind::kContains:
      return Contains(text, Literal(p));
    case Predicate::Kind::kPattern:
      return Matches(patterns_[p.index], text);
    case Predicate::Kind::kRegex: {
      const LazyRegex& regex = *regexes_[p.index];
      if (regex.least_run > 0) return HasRun(text, regex.least_run, regex.spec.dot_all);
      if (regex.Matches(text)) return true;
      // `$` also stands before a final newline, as in PCRE; RE2 knows only the end of the text.
      if (text.empty() || text.back() != '\n' || regex.spec.source.find('$') == std::string::npos)
        return false;
      return regex.Matches(text.substr(0, text.size() - 1));
    }
    case Predicate::Kind::kBool:
      return text == (p.index != 0 ? "true" : "false");
    case Predicate::Kind::kNumber:
    case Predicate::Kind::kCompare: {
      const auto number = ParseDecimal(text);
      return number.has_value() && TestNumber(p, *number);
    }
    case Predicate::Kind::kCidr: {
      const auto address = ParseIpAddress(text);
      return address.has_value() && cidrs_[p.index].Contains(*address);
    }
    case Predicate::Kind::kTimePart: {
      const auto parts = ParseCalendarParts(text);
      return parts.has_value() && Holds(time_parts_[p.index], *parts);
    }
    default:
      return false;
  }
}

bool PredicateTable::TestFieldRef(const Predicate& p, const Event& event, const FieldMap& map) const {
  const FieldRef& ref = field_refs_[p.index];
  const auto text_of = [&](NodeIndex i) { return p.cased ? event.Text(i) : event.FoldedText(i); };
  return event.AnyValue(Renamed(map, p.field), [&](NodeIndex i) {
    const auto a = text_of(i);
    if (!a.has_value()) return false;
    return event.AnyValue(Renamed(map, ref.other), [&](NodeIndex j) {
      const auto b = text_of(j);
      if (!b.has_value()) return false;
      if (ref.open_left && ref.open_right) return Contains(*a, *b);
      if (ref.open_left) return a->ends_with(*b);
      if (ref.open_right) return a->starts_with(*b);
      return *a == *b;
    });
  });
}

}  // namespace redthread
