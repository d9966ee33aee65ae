#include "ingest/json_scan.h"

#include "core/event.h"
#include "ingest/json_token.h"

namespace redthread {

namespace {

const char* SkipString(const char* p, const char* end) {
  for (++p; p != end; ++p) {
    if (*p == '"') return p + 1;
    if (*p == '\\' && ++p == end) return nullptr;
  }
  return nullptr;
}

const char* SkipScalar(const char* p, const char* end) {
  const char* const begin = p;
  while (p != end && !IsJsonSpace(*p) && *p != ',' && *p != ']' && *p != '}' && *p != '{' && *p != '[' &&
         *p != '"' && *p != ':')
    ++p;
  Node node;
  return ReadJsonScalar({begin, static_cast<size_t>(p - begin)}, &node) ? p : nullptr;
}

// Of a container that begins at `p`: each element, of an object behind its name.
const char* SkipContainer(const char* p, const char* end, int depth) {
  const bool is_object = *p == '{';
  const char close = is_object ? '}' : ']';
  p = SkipJsonSpace(p + 1, end);
  if (p != end && *p == close) return p + 1;
  while (p != end) {
    if (is_object) {
      if (*p != '"') return nullptr;
      p = SkipString(p, end);
      if (p == nullptr) return nullptr;
      p = SkipJsonSpace(p, end);
      if (p == end || *p != ':') return nullptr;
      p = SkipJsonSpace(p + 1, end);
    }
    p = SkipJsonValue(p, end, depth + 1);
    if (p == nullptr) return nullptr;
    p = SkipJsonSpace(p, end);
    if (p == end) return nullptr;
    if (*p == close) return p + 1;
    if (*p != ',') return nullptr;
    p = SkipJsonSpace(p + 1, end);
  }
  return nullptr;
}

}  // namespace

const char* SkipJsonSpace(const char* p, const char* end) {
  while (p != end && IsJsonSpace(*p)) ++p;
  return p;
}

const char* SkipJsonValue(const char* p, const char* end, int depth) {
  if (p == end || depth > JsonScan::kMaxDepth) return nullptr;
  if (*p == '"') return SkipString(p, end);
  return *p == '{' || *p == '[' ? SkipContainer(p, end, depth) : SkipScalar(p, end);
}

std::optional<std::string_view> JsonScan::Next() {
  at_ = SkipJsonSpace(at_, end_);
  if (failed_ || at_ == end_) return std::nullopt;
  const char* const begin = at_;
  const char* const behind = SkipJsonValue(begin, end_);
  failed_ = behind == nullptr;
  if (failed_) return std::nullopt;
  at_ = behind;
  return std::string_view(begin, static_cast<size_t>(behind - begin));
}

bool IsJson(std::string_view text) {
  JsonScan scan(text);
  return scan.Next().has_value() && !scan.Next().has_value() && !scan.failed();
}

std::optional<std::string> JsonText(std::string_view value) {
  if (value.size() < 2 || value.front() != '"') return std::nullopt;
  const std::string_view raw = value.substr(1, value.size() - 2);
  std::string text(raw.size(), '\0');
  text.resize(UnescapeJson(raw, text.data()));
  return text;
}

}  // namespace redthread
