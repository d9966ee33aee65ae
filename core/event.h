// Event: one log record as rules see it.
//
// A record is decoded once into a flat array of Nodes in document order (a tape): a container's children
// follow it, `end` says where its subtree stops. Nodes point into the record's own buffer; strings stay
// escaped until somebody asks for their text. On top stands the flat view: the list of fields that a Windows
// or cloud record is known by, after its shape (the nesting that its shipper gave it) was taken off. Nested
// values below a field are reached by dotted paths.
//
// Lifetime: the buffer handed to the decoder must outlive the Event's use, up to Clear(). Texts handed out
// live until Clear(). An Event is reused from record to record and keeps its memory; one per thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/field_table.h"
#include "core/position.h"
#include "core/timestamp.h"

namespace redthread {

enum class ValueType : uint8_t { kNull, kTrue, kFalse, kNumber, kString, kObject, kArray };

using NodeIndex = uint32_t;
inline constexpr NodeIndex kNoNode = ~NodeIndex{0};

// One JSON value. Strings: `raw` is what stands between the quotes, still escaped while `escaped` is set.
// Numbers: the token as written. Everything else: unused.
struct Node {
  const char* key = nullptr;  // name within the parent object, unescaped; null within an array
  const char* raw = nullptr;
  const char* folded = nullptr;  // cache: the text, case-folded
  uint32_t key_size = 0;
  uint32_t raw_size = 0;
  uint32_t folded_size = 0;
  NodeIndex end = 0;          // one past the last node of this value
  FieldId key_id = kNoField;  // the number of `key`, where the decoder looked it up
  ValueType type = ValueType::kNull;
  bool escaped = false;  // of a string: raw may hold escapes; of a number: raw is not its text yet
  std::string_view Key() const { return {key, key_size}; }
};

// Memory that lives until the next Clear(): grows in blocks, keeps the first.
class Arena {
 public:
  // `size` writable bytes, unaligned. Valid until Clear().
  char* Allocate(size_t size) {
    if (size > static_cast<size_t>(limit_ - next_)) return AllocateSlow(size);
    char* p = next_;
    next_ += size;
    return p;
  }
  // Gives back the tail of the latest Allocate: only its first `used` bytes stay taken.
  void Shrink(char* latest, size_t used) { next_ = latest + used; }
  std::string_view Copy(std::string_view text);
  void Clear();

 private:
  char* AllocateSlow(size_t size);
  struct Block {
    std::unique_ptr<char[]> bytes;
    size_t size = 0;
  };
  std::vector<Block> blocks_;
  char* next_ = nullptr;
  char* limit_ = nullptr;
};

class Event {
 public:
  // One entry of the flat view.
  struct Field {
    std::string_view name;
    NodeIndex node = kNoNode;
    FieldId id = kNoField;
    uint32_t next = ~uint32_t{0};  // the next field of the same id (a duplicate key), or none
    uint32_t last = 0;             // of the first field of an id: the last one, itself when it is alone
  };

  // Empties the event and says which field names have numbers from here on. `fields` outlives the use of the
  // event.
  void Clear(const FieldTable& fields);

  // ---- for decoders: building ----

  // Appends a value to the tape; its `end` is set to the next node, containers are closed with
  // CloseContainer.
  NodeIndex AddNode(const Node& node) {
    const auto i = static_cast<NodeIndex>(nodes_.size());
    nodes_.push_back(node);
    nodes_.back().end = i + 1;
    return i;
  }
  // The same, to be filled in place, which is what a decoder's inner loop wants: a copy would wait for the
  // stores that made the original. Valid until the next node is added.
  Node* AppendNode() {
    Node* node = &nodes_.emplace_back();
    node->end = static_cast<NodeIndex>(nodes_.size());
    return node;
  }
  void CloseContainer(NodeIndex i) { nodes_[i].end = static_cast<NodeIndex>(nodes_.size()); }

  // Gives a value that is no container another type, none either.
  void SetType(NodeIndex i, ValueType type) { nodes_[i].type = type; }

  // Adds a field to the flat view. A name that is there already becomes a duplicate: both values count.
  void AddField(std::string_view name, NodeIndex node) { AddField(name, node, fields_->Find(name)); }
  void AddField(std::string_view name, NodeIndex node, FieldId id) {
    const auto index = static_cast<uint32_t>(flat_.size());
    Field& field = flat_.emplace_back();
    field.name = name;
    field.node = node;
    field.id = id;
    field.last = index;
    nested_ |= nodes_[node].type >= ValueType::kObject;
    if (id != kNoField) Link(index);
  }
  // First field of that name in the flat view, or kNoNode.
  NodeIndex FindField(std::string_view name) const;
  // Index into fields() of the first field with that number, kNoFieldIndex when there is none. Exact keys
  // only: no path is walked. The others follow by Field::next, up to kNoFieldIndex.
  static constexpr uint32_t kNoFieldIndex = ~uint32_t{0};
  uint32_t FirstField(FieldId id) const { return slot_[id] < kPath ? slot_[id] : kEnd; }
  // Gives fields()[index] another value.
  void ReplaceValue(uint32_t index, NodeIndex node) {
    flat_[index].node = node;
    nested_ |= nodes_[node].type >= ValueType::kObject;
  }
  // Empties the flat view; the tape stays.
  void ClearFields();
  // Empties tape and flat view, for a second reading of the same record.
  void ClearTape() {
    nodes_.clear();
    ClearFields();
  }

  Arena& arena() { return arena_; }

  // ---- reading ----

  const FieldTable& field_table() const { return *fields_; }
  const std::vector<Field>& fields() const { return flat_; }
  const Node& node(NodeIndex i) const { return nodes_[i]; }
  size_t node_count() const { return nodes_.size(); }

  // Calls visit(NodeIndex) for every scalar or object found at the field: an exact key of the flat view
  // first, else the dotted path (at each object the whole remaining path as a key, else the part before its
  // first dot). Arrays fan out at every level. Stops and returns true as soon as visit does.
  template <typename Visit>
  bool AnyValue(FieldId id, Visit&& visit) const {
    for (uint32_t f = First(id); f != kEnd; f = flat_[f].next) {
      if (AnyLeaf(flat_[f].node, visit)) return true;
    }
    if (slot_[id] == kPath) {
      for (const PathHit& h : path_hits_) {
        if (h.id == id && AnyLeaf(h.node, visit)) return true;
      }
    }
    return false;
  }

  // Whether the key is there, even with null or an empty array.
  bool Present(FieldId id) const { return First(id) != kEnd || slot_[id] == kPath; }

  // Calls visit(NodeIndex) for every scalar below every field, for keyword search. Stops and returns true as
  // soon as visit does.
  template <typename Visit>
  bool AnyScalar(Visit&& visit) const {
    for (const Field& f : flat_) {
      for (NodeIndex i = f.node; i < nodes_[f.node].end; ++i) {
        if (nodes_[i].type < ValueType::kObject && visit(i)) return true;
      }
    }
    return false;
  }

  // The text Sigma sees; nothing for null and containers. Unescaped on first use.
  std::optional<std::string_view> Text(NodeIndex i) const;
  // The same, case-folded. Cached.
  std::optional<std::string_view> FoldedText(NodeIndex i) const;

  // The text of the first scalar at the field, if it has any.
  std::optional<std::string_view> FirstText(FieldId id) const;

  // ---- what is known about the record ----

  Position position;
  std::optional<Timestamp> time;         // event time; nothing when the record has none that can be read
  std::optional<Timestamp> disbelieved;  // what the record says, where `time` is its arrival instead
  Timestamp arrival;                     // processing time at which the record was first read
  std::string_view raw;                  // the record as it came, without its line end
  bool damaged = false;                  // not all of the record could be read; what could be is here

 private:
  static constexpr uint32_t kEnd = kNoFieldIndex;
  static constexpr uint32_t kUnresolved = kEnd - 1;  // a path that has not been walked yet
  static constexpr uint32_t kPath = kEnd - 2;        // its hits are in path_hits_

  struct PathHit {
    FieldId id;
    NodeIndex node;
  };

  // Index of the first field with that id, kEnd when there is none. Walks a dotted path on first use.
  uint32_t First(FieldId id) const {
    const uint32_t s = slot_[id];
    if (s < kPath) return s;
    if (s == kUnresolved) ResolvePath(id);
    return kEnd;
  }
  // Makes fields()[index] found by its number.
  void Link(uint32_t index) {
    const FieldId id = flat_[index].id;
    uint32_t& slot = slot_[id];
    if (slot >= kPath) {
      slot = index;
      touched_.push_back(id);
      return;
    }
    Field& first = flat_[slot];
    flat_[first.last].next = index;
    first.last = index;
  }
  void ResolvePath(FieldId id) const;
  void Walk(NodeIndex i, std::string_view path, FieldId id) const;
  void Unescape(NodeIndex i) const;

  template <typename Visit>
  bool AnyLeaf(NodeIndex i, Visit& visit) const {
    if (nodes_[i].type != ValueType::kArray) return visit(i);
    for (NodeIndex c = i + 1; c < nodes_[i].end; c = nodes_[c].end) {
      if (AnyLeaf(c, visit)) return true;
    }
    return false;
  }

  const FieldTable* fields_ = nullptr;
  mutable std::vector<Node> nodes_;  // mutable: texts are unescaped and folded in place, on first use
  std::vector<Field> flat_;
  mutable std::vector<uint32_t> slot_;    // by FieldId: index into flat_, or one of the marks above
  mutable std::vector<FieldId> touched_;  // ids whose slot differs from its state after Clear
  mutable std::vector<PathHit> path_hits_;
  mutable Arena arena_;
  bool nested_ = false;  // some field holds an object or an array: paths can lead somewhere
};

// The text of what stands between the quotes of a JSON string. `out` needs raw.size() bytes; returns how many
// were written. What is no escape of JSON stays as it is; a surrogate without its partner becomes U+FFFD.
// Source: RFC 8259, 7.
size_t UnescapeJson(std::string_view raw, char* out);

// Appends the event as a JSON object of its fields, escaped anew: {"EventID":4688,...}. Duplicate keys are
// all written.
void AppendJson(const Event& event, std::string* out);
void AppendJson(const Event& event, NodeIndex i, std::string* out);

}  // namespace redthread
