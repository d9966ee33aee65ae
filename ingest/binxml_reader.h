// BinXmlReader: the binary XML of an event log's records -> XmlTree.
//
// A record is a fragment of tokens. Nearly always it is one instance of a template: tokens that stand
// elsewhere in the same chunk (within the record that first used them), with numbered places for the values
// that the record brings. A value may be such a fragment again.
//
// The bytes are the attacker's. Every offset is checked against the chunk and every length against what is
// left; depth, and the number of tokens and nodes, are limited, because templates that use each other grow
// exponentially.
//
// Source: [MS-EVEN6] 2.2.12, and the description of the format by the libevtx project.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/event.h"
#include "ingest/xml_tree.h"

namespace redthread {

// One per thread.
class BinXmlReader {
 public:
  // Elements, fragments and templates within each other; events have not ten.
  static constexpr size_t kMaxDepth = 64;
  // Tokens and nodes of a record; events have some hundred. A chunk's records share kMaxChunkSteps.
  static constexpr size_t kMaxSteps = 1 << 16;
  static constexpr size_t kMaxChunkSteps = 1 << 20;

  // Offsets in what is read from here on count from the beginning of `chunk`, which outlives the tree's use.
  void Begin(std::string_view chunk);

  // Reads the fragment chunk[begin, end) into an empty tree. Null when it could be read, else what is wrong
  // with it. The tree's texts lie in the chunk and in this reader, until the next Read or Begin.
  const char* Read(size_t begin, size_t end, XmlTree* tree);

  // Where Read stopped, from the beginning of the chunk.
  size_t offset() const { return stopped_at_; }

 private:
  // Bytes [at, end) of the chunk.
  struct Range {
    size_t at = 0;
    size_t end = 0;
    size_t left() const { return end - at; }
  };
  struct Value {
    uint8_t type = 0;
    Range bytes;
  };
  // What the tokens of a fragment stand in.
  struct Context {
    size_t first_value = 0;  // of values_: the values of the template's instance
    size_t value_count = 0;
    // Whether elements say on which value they depend: in templates they do, in values they do not.
    bool dependency = true;
    size_t depth = 0;
  };
  struct OpenElement {
    uint32_t node = 0;
    bool has_array = false;
  };
  // While the tokens of a fragment are read.
  struct Fragment {
    Range range;
    Context context;
    size_t outer_elements = 0;  // of open_
    bool in_attribute = false;
    uint32_t attribute = 0;
  };

  bool Fail(const char* reason, size_t at);
  bool Spend(size_t steps, size_t at);

  bool ReadFragment(Range range, const Context& context);
  bool ReadToken(uint8_t token, Fragment* f);
  bool ReadOpenElement(bool has_attributes, Fragment* f);
  bool ReadElementName(bool dependency, Range* range, std::string_view* name);
  bool ReadAttribute(Fragment* f);
  void CloseAttribute(Fragment* f);
  bool CloseElement(Fragment* f);
  bool ReadValue(Fragment* f);
  bool ReadCharacters(Fragment* f);
  bool ReadCharacterReference(Fragment* f);
  bool ReadEntityReference(Fragment* f);
  bool SkipInstruction(bool target, Fragment* f);
  bool ReadSubstitution(Fragment* f);
  bool ReadTemplateInstance(Fragment* f);
  bool ReadTemplateValues(Range* range, Context* inner);
  bool ReadName(Range* range, std::string_view* name);
  bool AddValue(uint8_t type, Range bytes, Fragment* f);
  bool ExpandArrays(uint32_t element);
  uint32_t FindArray(uint32_t element) const;

  template <typename T>
  bool Take(Range* range, T* number);
  bool TakeBytes(size_t size, Range* range, Range* bytes);
  std::string_view Bytes(Range range) const { return chunk_.substr(range.at, range.left()); }

  std::string_view chunk_;
  size_t chunk_steps_ = 0;  // left
  size_t steps_ = 0;        // left of the record
  XmlTree* tree_ = nullptr;
  Arena names_;
  std::vector<OpenElement> open_;
  std::vector<Value> values_;  // of the template instances being read, the innermost last
  const char* failure_ = nullptr;
  size_t stopped_at_ = 0;
};

}  // namespace redthread
