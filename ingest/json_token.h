// What strict and tolerant reading share: the look of JSON's tokens, and how a key gets its number.
#pragma once

#include <string_view>

#include "core/event.h"
#include "ingest/key_cache.h"

namespace redthread {

inline bool IsJsonSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Reads a token that is neither string nor container: sets the node's type, raw and escaped. False when it is
// no number and no literal of JSON. Source: RFC 8259, 3 and 6.
inline bool ReadJsonScalar(std::string_view token, Node* node) {
  const char* p = token.data();
  const char* const end = p + token.size();
  if (p == end) return false;
  switch (*p) {
    case 't':
      node->type = ValueType::kTrue;
      return token == "true";
    case 'f':
      node->type = ValueType::kFalse;
      return token == "false";
    case 'n':
      node->type = ValueType::kNull;
      return token == "null";
    default:
      break;
  }
  const auto digits = [&p, end] {
    const char* const begin = p;
    while (p != end && static_cast<unsigned char>(*p - '0') < 10) ++p;
    return p - begin;
  };
  const bool negative = *p == '-';
  if (negative) ++p;
  const char first = p != end ? *p : '\0';
  const auto whole = digits();
  if (whole == 0 || (first == '0' && whole > 1)) return false;
  bool integral = true;
  if (p != end && *p == '.') {
    integral = false;
    ++p;
    if (digits() == 0) return false;
  }
  if (p != end && (*p | 0x20) == 'e') {
    integral = false;
    ++p;
    if (p != end && (*p == '+' || *p == '-')) ++p;
    if (digits() == 0) return false;
  }
  if (p != end) return false;
  node->type = ValueType::kNumber;
  node->raw = token.data();
  node->raw_size = static_cast<uint32_t>(token.size());
  node->escaped = !integral || (negative && first == '0');
  return true;
}

// Names the node by the text between the quotes of its key. True when the key has spaces, and its name
// without them is asked for.
inline bool NameNode(const char* text, size_t size, KeyCache* keys, Event* event, Node* node) {
  const KeyCache::Key& key = keys->Find(text, size);
  if (!key.plain) [[unlikely]] {
    char* out = event->arena().Allocate(size);
    const size_t unescaped = UnescapeJson({text, size}, out);
    event->arena().Shrink(out, unescaped);
    node->key = out;
    node->key_size = static_cast<uint32_t>(unescaped);
    node->key_id = event->field_table().Find({out, unescaped});
    return std::string_view(out, unescaped).find(' ') != std::string_view::npos;
  }
  node->key = text;
  node->key_size = static_cast<uint32_t>(size);
  node->key_id = key.id;
  return key.spaceless != kNoField;
}

}  // namespace redthread
