#include "tests/oracle/event_generator.h"

#include <algorithm>
#include <iterator>

#include "tests/oracle/regex_sampler.h"
#include "tests/oracle/slow_scalar.h"

namespace redthread {
namespace {

// Letters by what they fold to: k stands for k, K and the KELVIN SIGN.
const std::u32string& CaseVariants(char32_t folded) {
  static const std::map<char32_t, std::u32string> kVariants = [] {
    std::map<char32_t, std::u32string> variants;
    for (char32_t c = 0; c <= 0x10FFFF; ++c) {
      if (FoldCodePoint(c) == c) continue;
      std::u32string& of_c = variants[FoldCodePoint(c)];
      if (of_c.empty()) of_c += FoldCodePoint(c);
      of_c += c;
    }
    return variants;
  }();
  static const std::u32string kNone;
  const auto found = kVariants.find(folded);
  return found == kVariants.end() ? kNone : found->second;
}

// Ordinary characters, and those that have broken matchers: wildcards, escapes, controls, dashes, letters
// whose lower case is ASCII or has another length, a code point beyond 16 bits.
const std::u32string kNoise =
    U"abcxyzABC019  "
    U"\\\\//--**??%.:=\"'\n\t\r\u0001_\u00e9\u00df\u0130\u017f\u212a\u0416\u2013\u2014\u2015\U0001F600\ufffd";

bool IsNullOrAbsent(const SlowValue& value) {
  const auto* exists = std::get_if<SlowExists>(&value.v);
  return std::holds_alternative<SlowNull>(value.v) || (exists != nullptr && !exists->wanted);
}

}  // namespace

SlowJson EventGenerator::Draw(const SlowEvaluator& rule, const FieldRenames& renames, bool matching,
                              SlowJson base) {
  rule_ = &rule;
  renames_ = renames;
  wishes_.clear();
  absent_.clear();
  // An event that shall miss either lacks what the rule asks for, or has all of it and is spoilt afterwards.
  const bool spoilt = !matching && dice_->Chance(60);
  const RuleLogic& logic = rule.rule().logic;
  Want(logic, logic.condition, matching || spoilt);
  for (const RuleFilter& filter : rule.rule().filters) Want(*filter.logic, filter.logic->condition, true);
  if (dice_->Chance(20)) SwapTypes(&base);
  AddSurroundings(base);
  for (const std::string& field : absent_) {
    base.erase(field);
    base.erase(field.substr(0, field.find('.')));
  }
  for (auto& [field, wishes] : wishes_) Place(field, Compose(wishes), &base);
  for (size_t extra = dice_->Below(3); extra > 0; --extra) {
    Place("Extra" + std::to_string(extra), CodePointsToUtf8(Noise(12)), &base);
  }
  if (spoilt) Spoil(&base);
  return base;
}

// ---- what the rule asks for ----

void EventGenerator::Want(const RuleLogic& logic, const ConditionNode& condition, bool truth) {
  using Kind = ConditionNode::Kind;
  if (condition.kind == Kind::kSearch) {
    Want(logic.searches[condition.search].root, truth);
  } else if (condition.kind == Kind::kNot) {
    Want(logic, condition.children[0], !truth);
  } else {
    // An AND that shall hold and an OR that shall not need all their parts; else one is enough.
    const bool every = (condition.kind == Kind::kAnd) == truth;
    const size_t chosen = dice_->Below(condition.children.size());
    for (size_t i = 0; i < condition.children.size(); ++i) {
      if (every || i == chosen) Want(logic, condition.children[i], truth);
    }
  }
}

void EventGenerator::Want(const SearchNode& node, bool truth) {
  if (node.kind == SearchNode::Kind::kItem) {
    WantItem(node.item, truth);
    return;
  }
  const bool every = (node.kind == SearchNode::Kind::kAnd) == truth;
  const size_t chosen = dice_->Below(node.children.size());
  for (size_t i = 0; i < node.children.size(); ++i) {
    if (every || i == chosen) {
      Want(node.children[i], truth);
    } else if (!truth && dice_->Chance(50)) {
      Want(node.children[i], true);  // all but one part of an AND: the nearest of misses
    }
  }
}

void EventGenerator::WantItem(const DetectionItem& item, bool truth) {
  const SlowItem& applied = rule_->item(item);
  const std::string field = item.keywords()
                                ? std::string(dice_->Pick(std::vector<const char*>{"Message", "data", "a.b"}))
                                : Renamed(item.field);
  if (truth == applied.negated) {
    Miss(field, applied);
    return;
  }
  const size_t chosen = dice_->Below(applied.values.size());
  for (size_t i = 0; i < applied.values.size(); ++i) {
    if (applied.all || i == chosen) WantValue(field, applied, applied.values[i]);
  }
}

void EventGenerator::WantValue(const std::string& field, const SlowItem& item, const SlowValue& value) {
  const auto* exists = std::get_if<SlowExists>(&value.v);
  if (exists != nullptr && exists->wanted) {
    wishes_[field].push_back({dice_->Pick(std::vector<SlowJson>{nullptr, "", 0, "x", SlowJson::array()})});
  } else if (std::holds_alternative<SlowNull>(value.v)) {
    WantAbsent(field);
    if (dice_->Chance(30)) wishes_[field].push_back({nullptr});
  } else if (exists != nullptr) {
    WantAbsent(field);
  } else if (const auto* ref = std::get_if<SlowFieldRef>(&value.v)) {
    WantFieldRef(field, *ref, item.cased);
  } else {
    wishes_[field].push_back(DrawWish(value, item.cased));
  }
}

void EventGenerator::WantAbsent(const std::string& field) {
  wishes_.erase(field);
  absent_.insert(field);
}

void EventGenerator::WantFieldRef(const std::string& field, const SlowFieldRef& ref, bool cased) {
  const std::u32string common = Noise(6) + U"k";
  std::u32string own = cased ? common : Recased(common);
  if (ref.open_left) own = Noise(4) + own;
  if (ref.open_right) own += Noise(4);
  wishes_[field].push_back({CodePointsToUtf8(own)});
  wishes_[Renamed(ref.field)].push_back({CodePointsToUtf8(common)});
}

// Values that the item should not match: nothing at all, or a text that lacks a little.
void EventGenerator::Miss(const std::string& field, const SlowItem& item) {
  const bool null_matches = std::any_of(item.values.begin(), item.values.end(), IsNullOrAbsent);
  if (null_matches) wishes_[field].push_back({"present" + std::to_string(dice_->Below(100))});
  if (dice_->Chance(60)) return;
  Wish wish = DrawWish(dice_->Pick(item.values), item.cased);
  if (!wish.value.is_string()) return;
  wish.value = CodePointsToUtf8(NearMiss(Utf8ToCodePoints(wish.value.get<std::string>())));
  wishes_[field].push_back(wish);
}

// ---- values ----

EventGenerator::Wish EventGenerator::DrawWish(const SlowValue& value, bool cased) {
  if (const auto* alternatives = std::get_if<SlowAlternatives>(&value.v)) {
    if (alternatives->values.empty()) return {"none"};
    return DrawWish(dice_->Pick(alternatives->values), cased);
  }
  if (const auto* text = std::get_if<SlowText>(&value.v)) return DrawText(*text, cased);
  if (const auto* number = std::get_if<Number>(&value.v)) return {DrawNumber(*number)};
  if (const auto* network = std::get_if<SlowNetwork>(&value.v)) return {DrawAddress(*network)};
  if (const auto* boolean = std::get_if<bool>(&value.v)) {
    if (dice_->Chance(50)) return {*boolean};
    return {CodePointsToUtf8(Recased(*boolean ? U"true" : U"false"))};
  }
  return {DrawChecked(value)};
}

// Kinds of values whose texts are easier tried than made.
SlowJson EventGenerator::DrawChecked(const SlowValue& value) {
  SlowJson drawn = "x";
  for (int tries = 0; tries < 400; ++tries) {
    if (const auto* regex = std::get_if<SlowRegex>(&value.v)) {
      const std::u32string source = Utf8ToCodePoints(regex->source);
      std::u32string text = RegexSampler(source, dice_).Draw();
      if (regex->ignore_case) text = Recased(text);
      if (dice_->Chance(60)) text = Noise(5) + text + Noise(5);
      if (dice_->Chance(10)) text += U'\n';  // `$` stands before it too
      drawn = CodePointsToUtf8(text);
    } else if (const auto* compare = std::get_if<SlowCompare>(&value.v)) {
      const auto near = static_cast<int64_t>(compare->number) + static_cast<int64_t>(dice_->Below(7)) - 3;
      drawn = DrawNumber({.integral = true, .integer = near});
    } else {
      drawn = DrawTime();
    }
    if (ScalarMatches(value, SlowScalar(drawn), true)) break;
  }
  return drawn;
}

EventGenerator::Wish EventGenerator::DrawText(const SlowText& text, bool cased) {
  std::u32string out;
  for (const char32_t c : text.pattern) {
    if (c == kAnyRun) {
      out += Noise(dice_->Chance(5) ? 60 : 5);
    } else {
      out += c == kOneCodePoint ? dice_->Pick(kNoise) : c;
    }
  }
  if (!cased) out = Recased(out);
  Wish wish;
  wish.open_left = !text.pattern.empty() && text.pattern.front() == kAnyRun;
  wish.open_right = !text.pattern.empty() && text.pattern.back() == kAnyRun;
  wish.value = CodePointsToUtf8(out);
  // A text that is the text of a number or boolean may come as one.
  static const SlowNumber kMost = 1e15L;
  if (const std::optional<SlowNumber> n = DecimalOf(CodePointsToUtf8(out)); n && *n < kMost && *n > -kMost) {
    const SlowJson number = static_cast<int64_t>(*n);
    if (ScalarText(number) == CodePointsToUtf8(out) && dice_->Chance(50)) return {number};
  }
  return wish;
}

std::u32string EventGenerator::Recased(const std::u32string& text) {
  const size_t how = dice_->Below(3);
  if (how == 0) return text;
  std::u32string out;
  for (const char32_t c : text) {
    const std::u32string& variants = CaseVariants(FoldCodePoint(c));
    // One in three texts takes any variant, the others keep to the two cases of ASCII.
    const bool any = how == 1 && !variants.empty();
    const char32_t upper = c >= U'a' && c <= U'z' ? c - 32 : c;
    out += any ? dice_->Pick(variants) : how == 2 ? upper : c;
  }
  return out;
}

std::u32string EventGenerator::Noise(size_t most) {
  std::u32string out;
  for (size_t left = dice_->Below(most + 1); left > 0; --left) out += dice_->Pick(kNoise);
  return out;
}

// A text that differs by little.
std::u32string EventGenerator::NearMiss(std::u32string text) {
  if (text.empty()) return text;
  const size_t at = dice_->Below(text.size());
  switch (dice_->Below(6)) {
    case 0:
      text.erase(at, 1);
      break;
    case 1:
      text[at] = dice_->Pick(kNoise);
      break;
    case 2:
      text.insert(at, 1, dice_->Pick(kNoise));
      break;
    case 3:
      text.insert(at, 1, text[at]);
      break;
    case 4:
      text.erase(0, 1);
      break;
    default:
      text.resize(text.size() - 1);
  }
  return text;
}

// A text of more than 4 kB, at times of more than 32, of noise and of pieces that nearly are `near`.
std::string EventGenerator::LongText(const std::string& near) {
  const std::u32string whole = Utf8ToCodePoints(near);
  const size_t wanted = dice_->Chance(10) ? 33'000 : 4000 + dice_->Below(5000);
  std::u32string out;
  while (out.size() < wanted) {
    std::u32string piece = whole.size() < 200 ? NearMiss(whole) : std::u32string();
    if (dice_->Chance(40)) piece += Noise(20);
    if (piece.empty()) piece = U" ";
    for (size_t times = 1 + dice_->Below(30); times > 0; --times) out += piece;
  }
  return CodePointsToUtf8(out);
}

SlowJson EventGenerator::DrawNumber(const Number& number) {
  if (!number.integral)
    return dice_->Chance(50) ? SlowJson(number.real) : SlowJson(ShortestDouble(number.real));
  const std::string digits = std::to_string(number.integer);
  switch (dice_->Below(5)) {
    case 0:
      return digits;
    case 1:
      return digits[0] == '-' ? "-00" + digits.substr(1) : "+00" + digits;
    case 2:
      return digits + ".0";
    case 3:
      return static_cast<double>(number.integer);
    default:
      return number.integer;
  }
}

std::string EventGenerator::DrawAddress(const SlowNetwork& network) {
  SlowAddress address = network.address;
  for (int bit = network.prefix; bit < address.bits; ++bit) {
    const auto mask = static_cast<uint8_t>(0x80 >> (bit % 8));
    if (dice_->Chance(50)) address.bytes[bit / 8] ^= mask;
  }
  std::string out;
  for (int i = 0; i < address.bits / 8; i += address.bits == 32 ? 1 : 2) {
    char group[8];
    if (address.bits == 32) {
      std::snprintf(group, sizeof(group), "%s%d", i == 0 ? "" : ".", address.bytes[i]);
    } else {
      std::snprintf(group, sizeof(group), "%s%x", i == 0 ? "" : ":",
                    address.bytes[i] << 8 | address.bytes[i + 1]);
    }
    out += group;
  }
  return dice_->Chance(10) ? " " + out + "\n" : out;
}

std::string EventGenerator::DrawTime() {
  char text[160];  // of which 26 are used; gcc reckons with the widest numbers
  std::snprintf(text, sizeof(text), "%04zu-%02zu-%02zu%c%02zu:%02zu:%02zu%s", 2000 + dice_->Below(31),
                1 + dice_->Below(12), 1 + dice_->Below(28), dice_->Chance(50) ? 'T' : ' ', dice_->Below(24),
                dice_->Below(60), dice_->Below(60), dice_->Chance(50) ? "Z" : "+05:00");
  return text;
}

// ---- from wishes to an event ----

std::string EventGenerator::Renamed(const std::string& field) const {
  for (const auto& [from, to] : renames_) {
    if (from == field) return to;
  }
  return field;
}

// What is there besides: now and then the real text of a field stays beside, before or behind what is asked
// for, and now and then a field is long.
void EventGenerator::AddSurroundings(const SlowJson& base) {
  for (auto& [field, wishes] : wishes_) {
    const auto real = base.find(field);
    if (real == base.end() || !real->is_string() || !dice_->Chance(25)) continue;
    const bool open =
        std::any_of(wishes.begin(), wishes.end(), [](const Wish& w) { return w.open_left || w.open_right; });
    if (open || dice_->Chance(30)) wishes.push_back({*real, true, true});
  }
  if (wishes_.empty() || !dice_->Chance(2)) return;
  auto chosen = wishes_.begin();
  std::advance(chosen, dice_->Below(wishes_.size()));
  const SlowJson near = chosen->second[0].value;
  chosen->second.push_back({LongText(near.is_string() ? near.get<std::string>() : ""), true, true});
}

SlowJson EventGenerator::Compose(std::vector<Wish> wishes) {
  if (wishes.size() == 1) return Wrap(wishes[0].value);
  const bool texts = std::all_of(wishes.begin(), wishes.end(), [](const Wish& w) {
    return w.value.is_string() && (w.open_left || w.open_right);
  });
  const auto closed = [&](bool Wish::* side) {
    return std::count_if(wishes.begin(), wishes.end(), [side](const Wish& w) { return !(w.*side); });
  };
  if (texts && closed(&Wish::open_left) <= 1 && closed(&Wish::open_right) <= 1 && dice_->Chance(70)) {
    return Join(std::move(wishes));
  }
  SlowJson array = SlowJson::array();
  for (const Wish& wish : wishes) array.push_back(Wrap(wish.value));
  return array;
}

// One text that holds all the wishes: the one that starts it first, the one that ends it last.
SlowJson EventGenerator::Join(std::vector<Wish> wishes) {
  std::stable_sort(wishes.begin(), wishes.end(), [](const Wish& a, const Wish& b) {
    const auto place = [](const Wish& w) { return !w.open_left ? 0 : w.open_right ? 1 : 2; };
    return place(a) < place(b);
  });
  std::string joined;
  for (const Wish& wish : wishes) joined += wish.value.get<std::string>();
  return joined;
}

// Now and then a value comes within arrays, beside others.
SlowJson EventGenerator::Wrap(SlowJson value) {
  if (!dice_->Chance(8)) return value;
  SlowJson array = SlowJson::array();
  if (dice_->Chance(50)) array.push_back(CodePointsToUtf8(Noise(5)));
  array.push_back(std::move(value));
  if (dice_->Chance(30)) array.push_back(nullptr);
  return dice_->Chance(30) ? SlowJson::array({array}) : array;
}

// A field with dots stands there as it is, or as objects within objects, now and then with arrays between.
void EventGenerator::Place(const std::string& field, const SlowJson& value, SlowJson* event) {
  if (event->contains(field)) event->erase(field);
  const size_t dot = field.find('.');
  const bool nest = dot != std::string::npos && dot > 0 && dice_->Chance(70);
  const std::string head = field.substr(0, dot);
  if (!nest || (event->contains(head) && !event->at(head).is_object())) {
    (*event)[field] = value;
    return;
  }
  if (event->contains(head) || !dice_->Chance(15)) {
    if (!event->contains(head)) (*event)[head] = SlowJson::object();
    Place(field.substr(dot + 1), value, &(*event)[head]);
    return;
  }
  SlowJson element = SlowJson::object();
  Place(field.substr(dot + 1), value, &element);
  (*event)[head] = SlowJson::array({SlowJson::object(), element});
}

// Numbers become texts, and texts of digits numbers.
void EventGenerator::SwapTypes(SlowJson* event) {
  for (auto& [field, value] : event->items()) {
    if (!dice_->Chance(30)) continue;
    if (value.is_number()) {
      value = *ScalarText(value);
    } else if (value.is_string()) {
      const std::string text = value.get<std::string>();
      const bool digits = text.find_first_not_of("0123456789") == std::string::npos;
      if (digits && !text.empty() && text.size() < 16) value = std::stoll(text);
    }
  }
}

// Spoils one field that was asked for: its value by a little, its name, or both fields of a pair.
void EventGenerator::Spoil(SlowJson* event) {
  if (wishes_.empty() || event->empty()) return;
  auto chosen = wishes_.begin();
  std::advance(chosen, dice_->Below(wishes_.size()));
  const std::string field = chosen->first;
  if (!event->contains(field)) return;
  SlowJson& value = (*event)[field];
  if (value.is_string() && dice_->Chance(70)) {
    value = CodePointsToUtf8(NearMiss(Utf8ToCodePoints(value.get<std::string>())));
    return;
  }
  if (dice_->Chance(40)) {
    auto other = event->begin();
    std::advance(other, dice_->Below(event->size()));
    std::swap(value, other.value());
    return;
  }
  const SlowJson moved = value;
  event->erase(field);
  std::string name = field;
  name[0] = static_cast<char>(name[0] ^ 0x20);  // names are case-sensitive
  if (dice_->Chance(50)) name = field + "2";
  (*event)[name] = moved;
}

}  // namespace redthread
