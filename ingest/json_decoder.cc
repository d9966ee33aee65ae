#include "ingest/json_decoder.h"

#include <simdjson.h>

#include "ingest/json_token.h"
#include "ingest/tolerant_json.h"

namespace redthread {

const char* const JsonDecoder::kBlankLine = "blank line";

namespace {

// Longer records go to the tolerant reader at once: the index takes four bytes for each of the record's, and
// one such line must not cost that memory for ever.
constexpr size_t kMaxIndexedBytes = 1 << 20;

}  // namespace

// ---- the structural index

class JsonDecoder::Index {
 public:
  // False when simdjson objects: broken UTF-8, a raw control character in a string, a string without an end,
  // nothing but white space.
  bool Build(std::string_view record) {
    if (stage_ == nullptr || record.size() > stage_->capacity()) {
      const size_t capacity = std::max<size_t>(record.size() * 2, 16 << 10);
      // The depth is for simdjson's second stage, which is not used.
      if (simdjson::get_active_implementation()->create_dom_parser_implementation(capacity, 1, stage_) !=
          simdjson::SUCCESS) {
        stage_.reset();
        return false;
      }
    }
    return stage_->stage1(reinterpret_cast<const uint8_t*>(record.data()), record.size(),
                          simdjson::stage1_mode::regular) == simdjson::SUCCESS;
  }
  // Byte offsets of brackets, colons, commas, opening quotes and first characters of other scalars, in order.
  // Two more entries hold the record's size.
  const uint32_t* begin() const { return stage_->structural_indexes.get(); }
  const uint32_t* end() const { return begin() + stage_->n_structural_indexes; }

 private:
  std::unique_ptr<simdjson::internal::dom_parser_implementation> stage_;
};

// ---- the walk

// Every method returns false where the record breaks JSON's grammar or a limit; the event then holds what was
// read so far, and is to be emptied.
class JsonDecoder::Walk {
 public:
  Walk(std::string_view record, const Index& index, KeyCache* keys, Event* event)
      : base_(record.data()), at_(index.begin()), end_(index.end()), keys_(keys), event_(event) {}

  bool Record() {
    if (At() != '{') return false;
    ++at_;
    Node node;
    node.type = ValueType::kObject;
    const NodeIndex root = event_->AddNode(node);
    if (!Members<true>(1)) return false;
    event_->CloseContainer(root);
    return at_ == end_;
  }

  bool spaced() const { return spaced_; }

 private:
  char At() const { return base_[*at_]; }

  // The token that starts here ends where the next one starts, but for white space between.
  const char* TokenEnd() const {
    const char* p = base_ + at_[1];
    while (IsJsonSpace(p[-1])) --p;
    return p;
  }

  // After '{', up to and with '}'.
  template <bool kTop>
  bool Members(int depth) {
    if (at_ == end_) return false;
    if (At() == '}') {
      ++at_;
      return true;
    }
    for (;;) {
      // Key, colon, value and what follows it: four tokens at least, so one check is enough for the first
      // two.
      if (end_ - at_ < 4 || At() != '"' || base_[at_[1]] != ':') return false;
      const char* key = base_ + *at_ + 1;
      const auto value = static_cast<NodeIndex>(event_->node_count());
      Node* node = event_->AppendNode();
      spaced_ |= NameNode(key, static_cast<size_t>(TokenEnd() - 1 - key), keys_, event_, node);
      at_ += 2;
      if (!Value(node, value, depth)) return false;
      if constexpr (kTop) {
        const Node& added = event_->node(value);
        event_->AddField(added.Key(), value, added.key_id);
      }
      if (at_ == end_) return false;
      const char next = At();
      ++at_;
      if (next == '}') return true;
      if (next != ',') return false;
    }
  }

  // After '[', up to and with ']'.
  bool Elements(int depth) {
    if (at_ == end_) return false;
    if (At() == ']') {
      ++at_;
      return true;
    }
    for (;;) {
      if (at_ == end_) return false;
      const auto value = static_cast<NodeIndex>(event_->node_count());
      if (!Value(event_->AppendNode(), value, depth)) return false;
      if (at_ == end_) return false;
      const char next = At();
      ++at_;
      if (next == ']') return true;
      if (next != ',') return false;
    }
  }

  // Fills the node, which is the last one of the tape, at `self`.
  bool Value(Node* node, NodeIndex self, int depth) {
    const char* token = base_ + *at_;
    switch (*token) {
      case '"':
        node->type = ValueType::kString;
        node->raw = token + 1;
        node->raw_size = static_cast<uint32_t>(TokenEnd() - 1 - node->raw);
        node->escaped = true;
        ++at_;
        return true;
      case '{':
        node->type = ValueType::kObject;
        ++at_;
        if (depth == kMaxDepth || !Members<false>(depth + 1)) return false;
        event_->CloseContainer(self);
        return true;
      case '[':
        node->type = ValueType::kArray;
        ++at_;
        if (depth == kMaxDepth || !Elements(depth + 1)) return false;
        event_->CloseContainer(self);
        return true;
      case '}':
      case ']':
      case ',':
      case ':':
        return false;
      default:
        if (!ReadJsonScalar({token, static_cast<size_t>(TokenEnd() - token)}, node)) return false;
        ++at_;
        return true;
    }
  }

  const char* const base_;
  const uint32_t* at_;
  const uint32_t* const end_;
  KeyCache* const keys_;
  Event* const event_;
  bool spaced_ = false;
};

// ---- JsonDecoder

void JsonDecoder::RegisterFields(FieldTable* fields) {
  fields->Add("raw");
  Flattener::RegisterFields(fields);
}

JsonDecoder::JsonDecoder(const FieldTable& fields)
    : keys_(fields), flattener_(fields), index_(std::make_unique<Index>()) {}

JsonDecoder::~JsonDecoder() = default;

bool JsonDecoder::DecodeStrictly(std::string_view record, Event* event) {
  if (record.size() > kMaxIndexedBytes || !index_->Build(record)) return false;
  Walk walk(record, *index_, &keys_, event);
  if (!walk.Record()) return false;
  spaced_ = walk.spaced();
  return true;
}

DecodeResult JsonDecoder::Decode(std::string_view record, Event* event) {
  keys_.Rewind();
  DecodeResult result;
  if (!DecodeStrictly(record, event)) {
    event->ClearTape();
    keys_.Rewind();
    spaced_ = false;
    result = ReadTolerantly(record, &keys_, event, &spaced_);
    event->damaged = result.outcome == DecodeOutcome::kDamaged;
  }
  event->raw = record;
  if (result.outcome != DecodeOutcome::kDead) flattener_.Flatten(spaced_, event);
  return result;
}

}  // namespace redthread
