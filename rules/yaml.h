// YAML as rule and map files use it: a small tree with the place of every node.
//
// Built on libyaml's events, not on its document API: events keep the style of a scalar (quoted or not) and
// let hostile input be refused while it is read. Refused are aliases and anchors (they can grow without
// bound), tags, merge keys, duplicate keys (the second would silently win), nesting beyond kMaxYamlDepth and
// documents beyond kMaxYamlDocument.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace redthread {

inline constexpr int kMaxYamlDepth = 32;
inline constexpr size_t kMaxYamlDocument = size_t{1} << 20;  // in characters

struct YamlNode {
  enum class Kind : uint8_t { kScalar, kSequence, kMap };
  Kind kind = Kind::kScalar;
  bool plain = false;  // of a scalar: neither quoted nor a block, so it may be a number, a boolean or null
  int line = 0;        // line and column count from 1, columns in characters
  int column = 0;
  // Of a scalar whose text stands in the file as it is, on one line: the column of its first character.
  // Else 0.
  int text_column = 0;
  std::string text;                // of a scalar
  std::vector<YamlNode> children;  // of a sequence its items; of a map key, value, key, value, ...

  bool IsScalar() const { return kind == Kind::kScalar; }
  bool IsSequence() const { return kind == Kind::kSequence; }
  bool IsMap() const { return kind == Kind::kMap; }
  // Null as YAML 1.1 has it: nothing, `~` or `null`, unquoted.
  bool IsNull() const;
  // Of a map: how many entries, and the i-th one. Keys are always scalars.
  size_t entries() const { return children.size() / 2; }
  const YamlNode& key(size_t i) const { return children[2 * i]; }
  const YamlNode& value(size_t i) const { return children[2 * i + 1]; }
  // The value under `name`, or null.
  const YamlNode* Find(std::string_view name) const;
};

struct YamlProblem {
  int line = 0;
  int column = 0;
  std::string message;
};

struct YamlDocument {
  YamlNode root;
  std::vector<YamlProblem> problems;  // when not empty, the document must not be used
};

// The documents of a file. What breaks the syntax ends the reading: the last document then holds the problem
// (and may hold nothing else); those before it are whole.
std::vector<YamlDocument> ParseYaml(std::string_view text);

// The column of the character at byte `offset` of a scalar's text. The scalar's own column for its beginning,
// and when its text does not stand in the file as it is.
int YamlColumnAt(const YamlNode& scalar, size_t offset);
// How many characters stand in the first `bytes` bytes.
size_t YamlCharacters(std::string_view text, size_t bytes);

}  // namespace redthread
