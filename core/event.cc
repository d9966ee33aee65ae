#include "core/event.h"

#include <cmath>
#include <cstring>

#include "core/text.h"

namespace redthread {

// ---- Arena
// -----------------------------------------------------------------------------------------------------------

char* Arena::AllocateSlow(size_t size) {
  const size_t block = std::max<size_t>(size, 16 << 10);
  blocks_.push_back({std::make_unique<char[]>(block), block});
  next_ = blocks_.back().bytes.get() + size;
  limit_ = blocks_.back().bytes.get() + block;
  return blocks_.back().bytes.get();
}

std::string_view Arena::Copy(std::string_view text) {
  if (text.empty()) return {};
  char* p = Allocate(text.size());
  std::memcpy(p, text.data(), text.size());
  return {p, text.size()};
}

void Arena::Clear() {
  if (blocks_.empty()) return;
  // One huge record must not hold its memory for ever, nor must ordinary ones allocate again and again.
  constexpr size_t kKeep = 256 << 10;
  if (blocks_.size() > 1) {
    size_t total = 0;
    for (const Block& b : blocks_) total += b.size;
    blocks_.clear();
    const size_t block = std::min(total, kKeep);
    blocks_.push_back({std::make_unique<char[]>(block), block});
  } else if (blocks_[0].size > kKeep) {
    blocks_.clear();
    blocks_.push_back({std::make_unique<char[]>(kKeep), kKeep});
  }
  next_ = blocks_[0].bytes.get();
  limit_ = next_ + blocks_[0].size;
}

// ---- unescaping
// ------------------------------------------------------------------------------------------------------

namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The code unit of \uXXXX whose digits begin at p; -1 when there are not four.
int CodeUnit(const char* p, const char* end) {
  if (end - p < 4) return -1;
  int unit = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = HexDigit(p[i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

char* WriteUtf8(char32_t c, char* out) {
  if (c < 0x80) {
    *out++ = static_cast<char>(c);
  } else if (c < 0x800) {
    *out++ = static_cast<char>(0xC0 | c >> 6);
    *out++ = static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    *out++ = static_cast<char>(0xE0 | c >> 12);
    *out++ = static_cast<char>(0x80 | (c >> 6 & 0x3F));
    *out++ = static_cast<char>(0x80 | (c & 0x3F));
  } else {
    *out++ = static_cast<char>(0xF0 | c >> 18);
    *out++ = static_cast<char>(0x80 | (c >> 12 & 0x3F));
    *out++ = static_cast<char>(0x80 | (c >> 6 & 0x3F));
    *out++ = static_cast<char>(0x80 | (c & 0x3F));
  }
  return out;
}

}  // namespace

// Never longer than its input, so `out` needs raw.size() bytes. What is no escape of JSON stays as it is; a
// surrogate without its partner becomes U+FFFD.
size_t UnescapeJson(std::string_view raw, char* out) {
  char* const begin = out;
  const char* p = raw.data();
  const char* const end = p + raw.size();
  while (p < end) {
    const auto* backslash = static_cast<const char*>(std::memchr(p, '\\', static_cast<size_t>(end - p)));
    const char* stop = backslash == nullptr ? end : backslash;
    std::memcpy(out, p, static_cast<size_t>(stop - p));
    out += stop - p;
    p = stop;
    if (p == end) break;
    const char next = p + 1 < end ? p[1] : '\0';
    char plain = 0;
    switch (next) {
      case '"':
      case '\\':
      case '/':
        plain = next;
        break;
      case 'b':
        plain = '\b';
        break;
      case 'f':
        plain = '\f';
        break;
      case 'n':
        plain = '\n';
        break;
      case 'r':
        plain = '\r';
        break;
      case 't':
        plain = '\t';
        break;
      case 'u':
        break;
      default:
        break;
    }
    if (plain != 0) {
      *out++ = plain;
      p += 2;
      continue;
    }
    const int unit = next == 'u' ? CodeUnit(p + 2, end) : -1;
    if (unit < 0) {
      *out++ = *p++;
      continue;
    }
    p += 6;
    auto c = static_cast<char32_t>(unit);
    if (c >= 0xD800 && c <= 0xDFFF) {
      const int low = c <= 0xDBFF && end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? CodeUnit(p + 2, end) : -1;
      if (low >= 0xDC00 && low <= 0xDFFF) {
        c = 0x10000 + ((c - 0xD800) << 10) + (static_cast<char32_t>(low) - 0xDC00);
        p += 6;
      } else {
        c = 0xFFFD;
      }
    }
    out = WriteUtf8(c, out);
  }
  return static_cast<size_t>(out - begin);
}

// ---- Event: building
// -------------------------------------------------------------------------------------------------

void Event::Clear(const FieldTable& fields) {
  // One huge record must not hold its memory for ever.
  constexpr size_t kKeep = 64 << 10;
  if (nodes_.capacity() > kKeep) std::vector<Node>().swap(nodes_);
  if (flat_.capacity() > kKeep) std::vector<Field>().swap(flat_);
  arena_.Clear();
  if (fields_ != &fields || slot_.size() != fields.size()) {
    fields_ = &fields;
    slot_.resize(fields.size());
    touched_.clear();
    for (FieldId id = 0; id < slot_.size(); ++id) touched_.push_back(id);
  }
  ClearTape();
  position = {};
  time.reset();
  arrival = {};
  raw = {};
  damaged = false;
}

void Event::ClearFields() {
  for (const FieldId id : touched_) slot_[id] = fields_->Head(id) == kNoField ? kEnd : kUnresolved;
  touched_.clear();
  flat_.clear();
  path_hits_.clear();
  nested_ = false;
}

NodeIndex Event::FindField(std::string_view name) const {
  const FieldId id = fields_->Find(name);
  if (id != kNoField) return slot_[id] < kPath ? flat_[slot_[id]].node : kNoNode;
  for (const Field& f : flat_) {
    if (f.name == name) return f.node;
  }
  return kNoNode;
}

// ---- Event: reading
// --------------------------------------------------------------------------------------------------

void Event::ResolvePath(FieldId id) const {
  slot_[id] = kEnd;
  touched_.push_back(id);
  if (!nested_) return;
  const FieldId head = fields_->Head(id);
  const std::string& name = fields_->Name(id);
  const std::string_view rest = std::string_view(name).substr(fields_->Name(head).size() + 1);
  const size_t before = path_hits_.size();
  for (uint32_t f = slot_[head] < kPath ? slot_[head] : kEnd; f != kEnd; f = flat_[f].next) {
    Walk(flat_[f].node, rest, id);
  }
  if (path_hits_.size() != before) slot_[id] = kPath;
}

void Event::Walk(NodeIndex i, std::string_view path, FieldId id) const {
  const Node& node = nodes_[i];
  if (node.type == ValueType::kArray) {
    for (NodeIndex c = i + 1; c < node.end; c = nodes_[c].end) Walk(c, path, id);
    return;
  }
  if (node.type != ValueType::kObject) return;
  bool whole = false;
  for (NodeIndex c = i + 1; c < node.end; c = nodes_[c].end) {
    if (nodes_[c].Key() == path) {
      path_hits_.push_back({id, c});
      whole = true;
    }
  }
  const size_t dot = path.find('.');
  if (whole || dot == std::string_view::npos) return;
  const std::string_view head = path.substr(0, dot);
  for (NodeIndex c = i + 1; c < node.end; c = nodes_[c].end) {
    if (nodes_[c].Key() == head) Walk(c, path.substr(dot + 1), id);
  }
}

void Event::Unescape(NodeIndex i) const {
  Node& node = nodes_[i];
  if (node.type == ValueType::kNumber) {
    const std::string text = JsonNumberText({node.raw, node.raw_size});
    const std::string_view copy = arena_.Copy(text);
    node.raw = copy.data();
    node.raw_size = static_cast<uint32_t>(copy.size());
  } else if (std::memchr(node.raw, '\\', node.raw_size) != nullptr) {
    char* out = arena_.Allocate(node.raw_size);
    const size_t size = UnescapeJson({node.raw, node.raw_size}, out);
    arena_.Shrink(out, size);
    node.raw = out;
    node.raw_size = static_cast<uint32_t>(size);
  }
  node.escaped = false;
}

std::optional<std::string_view> Event::Text(NodeIndex i) const {
  const Node& node = nodes_[i];
  switch (node.type) {
    case ValueType::kTrue:
      return "true";
    case ValueType::kFalse:
      return "false";
    case ValueType::kNumber:
    case ValueType::kString:
      if (node.escaped) Unescape(i);
      return std::string_view(node.raw, node.raw_size);
    default:
      return std::nullopt;
  }
}

std::optional<std::string_view> Event::FoldedText(NodeIndex i) const {
  Node& node = nodes_[i];
  if (node.folded != nullptr) return std::string_view(node.folded, node.folded_size);
  const std::optional<std::string_view> text = Text(i);
  if (!text.has_value()) return std::nullopt;
  char* out = arena_.Allocate(FoldedSizeLimit(text->size()));
  const size_t size = FoldInto(*text, out);
  arena_.Shrink(out, size + 1);
  node.folded = out;
  node.folded_size = static_cast<uint32_t>(size);
  return std::string_view(out, size);
}

std::optional<std::string_view> Event::FirstText(FieldId id) const {
  std::optional<std::string_view> found;
  AnyValue(id, [&](NodeIndex i) {
    found = Text(i);
    return found.has_value();
  });
  return found;
}

// ---- output
// ----------------------------------------------------------------------------------------------------------

void AppendJson(const Event& event, NodeIndex i, std::string* out) {
  const Node& node = event.node(i);
  switch (node.type) {
    case ValueType::kNull:
      out->append("null");
      return;
    case ValueType::kTrue:
    case ValueType::kFalse:
      out->append(*event.Text(i));
      return;
    case ValueType::kNumber: {
      // The token as it came, unless it is none that JSON allows or that readers of JSON can hold (then its
      // text, as a string).
      const std::string_view token(node.raw, node.raw_size);
      const std::optional<Number> number = ParseJsonNumber(token);
      if (number.has_value() && (number->integral || std::isfinite(number->real))) {
        out->append(token);
      } else {
        AppendJsonString(token, out);
      }
      return;
    }
    case ValueType::kString:
      AppendJsonString(*event.Text(i), out);
      return;
    case ValueType::kObject:
    case ValueType::kArray: {
      const bool object = node.type == ValueType::kObject;
      const NodeIndex end = node.end;
      out->push_back(object ? '{' : '[');
      for (NodeIndex c = i + 1; c < end; c = event.node(c).end) {
        if (c != i + 1) out->push_back(',');
        if (object) {
          AppendJsonString(event.node(c).Key(), out);
          out->push_back(':');
        }
        AppendJson(event, c, out);
      }
      out->push_back(object ? '}' : ']');
      return;
    }
  }
}

void AppendJson(const Event& event, std::string* out) {
  out->push_back('{');
  bool first = true;
  for (const Event::Field& f : event.fields()) {
    if (!first) out->push_back(',');
    first = false;
    AppendJsonString(f.name, out);
    out->push_back(':');
    AppendJson(event, f.node, out);
  }
  out->push_back('}');
}

}  // namespace redthread
