#include "ingest/tolerant_json.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "core/text.h"
#include "ingest/json_decoder.h"
#include "ingest/json_token.h"

namespace redthread {

namespace {

// Values kept of one record: a bound on memory (about 90 bytes each), far above any log.
constexpr size_t kMaxValues = 1'000'000;
// KeyCache reads this far from the start of a key.
constexpr size_t kKeyPadding = 16;

// White space, and the NULs that a crash or a copy-and-truncate leaves in a file.
bool IsBlank(char c) { return static_cast<unsigned char>(c) <= 0x20; }

class TolerantReader {
 public:
  TolerantReader(std::string_view text, KeyCache* keys, Event* event)
      : begin_(text.data()), p_(begin_), end_(begin_ + text.size()), keys_(keys), event_(event) {}

  // False when there is no object in the text, or nothing in it that can be read.
  bool Read() {
    SkipBlanks();
    if (p_ == end_ || *p_ != '{') return Note(DecodeOutcome::kDead, "no JSON object"), false;
    Node root;
    root.type = ValueType::kObject;
    open_[depth_++] = event_->AddNode(root);
    ++p_;
    for (;;) {
      while (depth_ > 0) Step();
      SkipBlanks();
      if (p_ == end_) break;
      // Two writers on one line: the members of what follows belong to the record too.
      Note(DecodeOutcome::kDamaged, "text after the object");
      p_ = std::find(p_, end_, '{');
      if (p_ == end_) break;
      ++p_;
      open_[depth_++] = 0;
      separated_ = true;
    }
    if (event_->fields().empty() && result_.outcome == DecodeOutcome::kDamaged) {
      return Note(DecodeOutcome::kDead, "no JSON object"), false;
    }
    return true;
  }

  const DecodeResult& result() const { return result_; }
  bool spaced() const { return spaced_; }

 private:
  bool InObject() const { return event_->node(open_[depth_ - 1]).type == ValueType::kObject; }

  // The worst that was noticed first is what the result tells.
  void Note(DecodeOutcome outcome, const char* reason) {
    if (outcome <= result_.outcome) return;
    result_ = {outcome, reason, static_cast<size_t>(p_ - begin_)};
  }

  void SkipBlanks() {
    for (; p_ != end_ && IsBlank(*p_); ++p_) {
      if (!IsJsonSpace(*p_)) Note(DecodeOutcome::kRepaired, "control character between values");
    }
  }

  // Reads one member, element or separator of the innermost open container, or closes it.
  void Step() {
    SkipBlanks();
    if (p_ == end_) {
      Note(DecodeOutcome::kDamaged, "record cut short");
      while (depth_ > 0) Close();
      return;
    }
    if (event_->node_count() >= kMaxValues) {
      Note(DecodeOutcome::kDamaged, "more than 1,000,000 values");
      p_ = end_;
      return;
    }
    const bool object = InObject();
    switch (*p_) {
      case ',':
        if (separated_) Note(DecodeOutcome::kRepaired, "comma without a value before it");
        separated_ = true;
        ++p_;
        return;
      case '}':
      case ']':
        CloseBy(*p_, object);
        return;
      default:
        break;
    }
    if (!separated_) Note(DecodeOutcome::kRepaired, "no comma between values");
    if (object) {
      Member();
    } else {
      Node node;
      Value(&node);
    }
  }

  void Close() {
    event_->CloseContainer(open_[--depth_]);
    separated_ = false;
  }

  void CloseBy(char bracket, bool object) {
    if (object == (bracket == '}')) {
      // An opening bracket leaves separated_ set too, but then the container is empty.
      if (separated_ && event_->node_count() > open_[depth_ - 1] + 1) {
        Note(DecodeOutcome::kRepaired, "comma without a value after it");
      }
      ++p_;
      Close();
      return;
    }
    Note(DecodeOutcome::kDamaged, "bracket of the wrong kind");
    // It closes the parent, if that is what it fits; this container was left open then.
    const bool fits_parent =
        depth_ > 1 && (event_->node(open_[depth_ - 2]).type == ValueType::kObject) == (bracket == '}');
    if (fits_parent) {
      Close();
    } else {
      ++p_;
    }
  }

  void Member() {
    if (*p_ != '"') return SkipGarbage();
    Node node;
    const char* key = ++p_;
    const size_t size = ScanString();
    if (p_ == end_) return;  // Step tells that the record was cut short
    ++p_;
    spaced_ |= NameNode(key, size, keys_, event_, &node);
    SkipBlanks();
    if (p_ == end_) return;
    if (*p_ != ':') {
      Note(DecodeOutcome::kDamaged, "key without a value");
      separated_ = true;
      if (*p_ != '"') SkipGarbage();
      return;
    }
    ++p_;
    const bool top = depth_ == 1;
    const auto value = static_cast<NodeIndex>(event_->node_count());
    Value(&node);
    if (top && event_->node_count() > value) event_->AddField(node.Key(), value, node.key_id);
  }

  void Value(Node* node) {
    SkipBlanks();
    if (p_ == end_) return;
    switch (*p_) {
      case '"':
        node->type = ValueType::kString;
        node->raw = ++p_;
        node->raw_size = static_cast<uint32_t>(ScanString());
        node->escaped = true;
        if (p_ != end_) {
          ++p_;
        } else {
          Note(DecodeOutcome::kDamaged, "string without an end");
        }
        break;
      case '{':
      case '[':
        if (depth_ < JsonDecoder::kMaxDepth) return Open(node);
        TooDeep(node);
        break;
      case ',':
      case '}':
      case ']':
        Note(DecodeOutcome::kDamaged, "key without a value");
        separated_ = true;
        return;
      default:
        if (!BareWord(node)) return SkipGarbage();
    }
    event_->AddNode(*node);
    separated_ = false;
  }

  void Open(Node* node) {
    node->type = *p_ == '{' ? ValueType::kObject : ValueType::kArray;
    ++p_;
    open_[depth_++] = event_->AddNode(*node);
    separated_ = true;
  }

  // A number or literal; any other word is kept as text.
  bool BareWord(Node* node) {
    const char* const word = p_;
    while (p_ != end_ && !IsBlank(*p_) && std::strchr(",:\"{}[]", *p_) == nullptr) ++p_;
    const std::string_view token(word, static_cast<size_t>(p_ - word));
    if (token.empty()) return false;
    if (ReadJsonScalar(token, node)) return true;
    Note(DecodeOutcome::kRepaired, "bare word");
    node->type = ValueType::kString;
    node->raw = token.data();
    node->raw_size = static_cast<uint32_t>(token.size());
    node->escaped = false;
    return true;
  }

  // Keeps a container below the depth limit as its text.
  void TooDeep(Node* node) {
    Note(DecodeOutcome::kDamaged, "nested too deep");
    const char* const text = p_;
    size_t open = 0;
    while (p_ != end_) {
      const char c = *p_++;
      if (c == '{' || c == '[') ++open;
      if ((c == '}' || c == ']') && --open == 0) break;
      if (c == '"') {
        ScanString();
        if (p_ != end_) ++p_;
      }
    }
    node->type = ValueType::kString;
    node->raw = text;
    node->raw_size = static_cast<uint32_t>(p_ - text);
    node->escaped = true;
  }

  // From behind an opening quote to the closing one, or to the end. Returns the bytes passed.
  size_t ScanString() {
    const char* const text = p_;
    for (; p_ != end_ && *p_ != '"'; ++p_) {
      if (static_cast<unsigned char>(*p_) < 0x20) {
        Note(DecodeOutcome::kRepaired, "raw control character in a string");
      }
      if (*p_ == '\\' && ++p_ == end_) break;
    }
    return static_cast<size_t>(p_ - text);
  }

  // Up to where the next value seems to begin, or the container seems to end. Quotes do not count: one too
  // many would take all the rest for a string.
  void SkipGarbage() {
    Note(DecodeOutcome::kDamaged, "neither key nor value");
    const bool object = InObject();
    const char bracket = object ? '}' : ']';
    for (; p_ != end_; ++p_) {
      if (*p_ != ',' && *p_ != bracket) continue;
      const char* next = std::find_if_not(p_ + 1, end_, IsBlank);
      if (*p_ == ',' ? !object || (next != end_ && *next == '"')
                     : next == end_ || std::strchr(",}]", *next) != nullptr) {
        break;
      }
      // What was looked through is no end either: blanks are passed once more at most.
    }
    separated_ = false;
  }

  const char* const begin_;
  const char* p_;
  const char* const end_;
  KeyCache* const keys_;
  Event* const event_;
  NodeIndex open_[JsonDecoder::kMaxDepth];  // the open containers, outermost first
  int depth_ = 0;
  bool separated_ = true;  // since the last value there was a comma, or the container was opened
  bool spaced_ = false;
  DecodeResult result_;
};

// The record's offset of what stands at `offset` of its sanitised text.
size_t OriginalOffset(std::string_view record, size_t offset) {
  size_t i = 0;
  for (size_t written = 0; i < record.size() && written < offset;) {
    const size_t from = i;
    const bool replaced = NextCodePoint(record, &i) == 0xFFFD && i == from + 1;
    written += replaced ? 3 : i - from;
  }
  return i;
}

void KeepAsRaw(std::string_view text, Event* event) {
  event->ClearTape();
  Node node;
  node.type = ValueType::kString;
  node.raw = text.data();
  node.raw_size = static_cast<uint32_t>(text.size());
  event->AddField("raw", event->AddNode(node));
}

}  // namespace

DecodeResult ReadTolerantly(std::string_view record, KeyCache* keys, Event* event, bool* spaced) {
  if (std::all_of(record.begin(), record.end(), IsJsonSpace)) {
    return {DecodeOutcome::kDead, JsonDecoder::kBlankLine, 0};
  }
  std::string_view text = record;
  const bool sanitized = !simdjson::validate_utf8(record.data(), record.size());
  if (sanitized) {
    std::string valid;
    SanitizeUtf8(record, &valid);
    const size_t size = valid.size();
    text = event->arena().Copy(valid.append(kKeyPadding, ' ')).substr(0, size);
  }
  TolerantReader reader(text, keys, event);
  if (!reader.Read()) {
    KeepAsRaw(text, event);
  }
  DecodeResult result = reader.result();
  if (sanitized) {
    result.offset = OriginalOffset(record, result.offset);
    if (result.outcome == DecodeOutcome::kClean) {
      const auto first = std::mismatch(record.begin(), record.end(), text.begin(), text.end()).first;
      result = {DecodeOutcome::kRepaired, "invalid UTF-8", static_cast<size_t>(first - record.begin())};
    }
  }
  *spaced = reader.spaced();
  return result;
}

}  // namespace redthread
