#include "tests/oracle/regex_sampler.h"

#include <algorithm>

namespace redthread {
namespace {

const std::u32string kDigits = U"0123456789";
const std::u32string kWord = U"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
const std::u32string kSpace = U" \t";
const std::u32string kPrintable = kWord + U" !\"#$%&'()*+,-./:;<=>?@[\\]^`{|}~";

// The code points that an escaped letter stands for; empty when it stands for itself.
std::u32string ClassOf(char32_t letter) {
  const auto without = [](const std::u32string& excluded) {
    std::u32string out;
    for (const char32_t c : kPrintable) {
      if (excluded.find(c) == std::u32string::npos) out += c;
    }
    return out;
  };
  switch (letter) {
    case U'd':
      return kDigits;
    case U'w':
      return kWord;
    case U's':
      return kSpace;
    case U'D':
      return without(kDigits);
    case U'W':
      return without(kWord);
    case U'S':
      return without(kSpace);
    default:
      return {};
  }
}

}  // namespace

std::u32string RegexSampler::Draw() {
  at_ = 0;
  return Alternation();
}

std::u32string RegexSampler::Alternation() {
  std::vector<std::u32string> choices = {Sequence()};
  while (Take(U'|')) choices.push_back(Sequence());
  return dice_->Pick(choices);
}

std::u32string RegexSampler::Sequence() {
  std::u32string out;
  while (!AtEnd() && Peek() != U'|' && Peek() != U')') out += Repeated();
  return out;
}

std::u32string RegexSampler::Repeated() {
  const size_t start = at_;
  std::u32string once = Atom();
  const size_t after_atom = at_;
  const size_t times = Count();
  const size_t after_count = at_;
  if (times == 0) return {};
  for (size_t i = 1; i < times && after_count != after_atom; ++i) {
    at_ = start;
    once += Atom();
  }
  at_ = after_count;
  return once;
}

size_t RegexSampler::Count() {
  size_t least = 1, most = 1;
  const size_t start = at_;
  if (Take(U'*')) {
    least = 0, most = 4;
  } else if (Take(U'+')) {
    most = 4;
  } else if (Take(U'?')) {
    least = 0;
  } else if (Take(U'{')) {
    const size_t digits = at_;
    least = ReadNumber(0);
    const bool range = Take(U',');
    most = range ? ReadNumber(least + 3) : least;
    if (at_ == digits || !Take(U'}')) {
      at_ = start;  // a brace that counts nothing is itself; the next atom takes it
      return 1;
    }
  } else {
    return 1;
  }
  if (!Take(U'?')) Take(U'+');
  return least + dice_->Below(std::max(most, least) - least + 1);
}

size_t RegexSampler::ReadNumber(size_t if_none) {
  if (kDigits.find(Peek()) == std::u32string::npos) return if_none;
  size_t number = 0;
  while (!AtEnd() && kDigits.find(Peek()) != std::u32string::npos && number < 10000) {
    number = number * 10 + (source_[at_++] - U'0');
  }
  return number;
}

std::u32string RegexSampler::Atom() {
  if (AtEnd()) return {};
  switch (Peek()) {
    case U'(':
      return Group();
    case U'[':
      return Class();
    case U'\\':
      return Escape();
    case U'.':
      ++at_;
      return {dice_->Pick(kPrintable)};
    case U'^':
    case U'$':
      ++at_;
      return {};
    default:
      return {source_[at_++]};
  }
}

std::u32string RegexSampler::Group() {
  Take(U'(');
  if (Take(U'?')) SkipGroupHead();
  std::u32string out = Alternation();
  Take(U')');
  return out;
}

// "i)" of (?i), "i:" of (?i:..), "P<name>" of (?P<name>..): all but what is matched.
void RegexSampler::SkipGroupHead() {
  const bool named = Peek() == U'P' || Peek() == U'<';
  while (!AtEnd() && Peek() != U')') {
    const char32_t c = source_[at_++];
    if (named ? c == U'>' : c == U':') return;
  }
}

std::u32string RegexSampler::Class() {
  Take(U'[');
  const bool negated = Take(U'^');
  std::u32string members;
  for (bool first = true; !AtEnd() && (first || Peek() != U']'); first = false) {
    if (Peek() == U'\\' && at_ + 1 < source_.size() && !ClassOf(source_[at_ + 1]).empty()) {
      members += ClassOf(source_[at_ + 1]);
      at_ += 2;
      continue;
    }
    const char32_t low = Peek() == U'\\' ? EscapedCodePoint() : source_[at_++];
    char32_t high = low;
    if (Peek() == U'-' && at_ + 1 < source_.size() && source_[at_ + 1] != U']') {
      ++at_;
      high = Peek() == U'\\' ? EscapedCodePoint() : source_[at_++];
    }
    for (char32_t c = low; c <= high && c - low < 512; ++c) members += c;
  }
  Take(U']');
  std::u32string choices = members;
  if (negated) {
    choices.clear();
    for (const char32_t c : kPrintable) {
      if (members.find(c) == std::u32string::npos) choices += c;
    }
  }
  return choices.empty() ? std::u32string() : std::u32string{dice_->Pick(choices)};
}

std::u32string RegexSampler::Escape() {
  const char32_t letter = at_ + 1 < source_.size() ? source_[at_ + 1] : 0;
  if (const std::u32string choices = ClassOf(letter); !choices.empty()) {
    at_ += 2;
    return {dice_->Pick(choices)};
  }
  if (letter == U'b' || letter == U'B' || letter == U'A' || letter == U'z') {
    at_ += 2;
    return {};
  }
  return {EscapedCodePoint()};
}

// \n, \x41, \x{2013}, \. and the like.
char32_t RegexSampler::EscapedCodePoint() {
  Take(U'\\');
  const char32_t letter = AtEnd() ? U'\\' : source_[at_++];
  static const std::u32string kLetters = U"tnrfva", kMeanings = U"\t\n\r\f\v\a";
  if (const size_t i = kLetters.find(letter); i != std::u32string::npos) return kMeanings[i];
  if (letter != U'x') return letter;
  const bool braces = Take(U'{');
  char32_t code_point = 0;
  for (int digits = 0; !AtEnd() && digits < (braces ? 6 : 2) && Peek() != U'}'; ++digits) {
    const char32_t c = source_[at_++];
    code_point = code_point * 16 + (c <= U'9' ? c - U'0' : (c | 0x20) - U'a' + 10);
  }
  if (braces) Take(U'}');
  return code_point;
}

}  // namespace redthread
