// JsonScan: JSON text taken apart where it lies: the envelopes in which shippers send their records.
//
// Only the structure is read: brackets, colons, commas, where strings end, whether a number is one. What
// stands within strings is passed over as it is, broken UTF-8 too, because one bad byte in one record must
// not refuse the thousand that came with it; the records' own decoder judges it. Nothing is copied.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace redthread {

// Values that stand one behind the other, with white space between them or without.
class JsonScan {
 public:
  // Values nested deeper than this are refused.
  static constexpr int kMaxDepth = 256;

  explicit JsonScan(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  // The text of the next value, without the white space around it. Nothing at the end, and where no value
  // stands: then failed().
  std::optional<std::string_view> Next();
  bool failed() const { return failed_; }

 private:
  const char* at_;
  const char* end_;
  bool failed_ = false;
};

// Whether `text` is one value and no more.
bool IsJson(std::string_view text);

// The members of an object, in order, as JsonScan gave it. `take(name, value)`: the name as it stands between
// its quotes, escapes and all. False, and nothing taken, when `object` is none.
template <typename Take>
bool ForEachMember(std::string_view object, Take take);
// The elements of an array: `take(value)`.
template <typename Take>
bool ForEachElement(std::string_view array, Take take);

// The text that a JSON string stands for. Nothing when `value` is no string.
std::optional<std::string> JsonText(std::string_view value);

// ---- how the templates walk

// Behind the white space that begins at `p`.
const char* SkipJsonSpace(const char* p, const char* end);
// Behind the value that begins at `p`; null where none does.
const char* SkipJsonValue(const char* p, const char* end, int depth = 0);

template <typename Take>
bool ForEachMember(std::string_view object, Take take) {
  if (object.empty() || object.front() != '{') return false;
  const char* const end = object.data() + object.size();
  const char* p = SkipJsonSpace(object.data() + 1, end);
  while (p != nullptr && p != end && *p == '"') {
    const char* const name_end = SkipJsonValue(p, end);
    if (name_end == nullptr) break;
    const std::string_view name(p + 1, static_cast<size_t>(name_end - p) - 2);
    p = SkipJsonSpace(name_end, end);
    if (p == end) break;
    const char* const value = SkipJsonSpace(p + 1, end);  // behind the colon
    p = SkipJsonValue(value, end);
    if (p == nullptr) break;
    take(name, std::string_view(value, static_cast<size_t>(p - value)));
    p = SkipJsonSpace(p, end);
    if (p != end && *p == ',') p = SkipJsonSpace(p + 1, end);
  }
  return true;
}

template <typename Take>
bool ForEachElement(std::string_view array, Take take) {
  if (array.empty() || array.front() != '[') return false;
  const char* const end = array.data() + array.size();
  const char* p = SkipJsonSpace(array.data() + 1, end);
  while (p != end && *p != ']') {
    const char* const value_end = SkipJsonValue(p, end);
    if (value_end == nullptr) break;
    take(std::string_view(p, static_cast<size_t>(value_end - p)));
    p = SkipJsonSpace(value_end, end);
    if (p != end && *p == ',') p = SkipJsonSpace(p + 1, end);
  }
  return true;
}

}  // namespace redthread
