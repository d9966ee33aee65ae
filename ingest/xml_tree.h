// XmlTree: the elements, attributes and content of one Windows event, whether it was written in BinXML or as
// text.
//
// A flat array in document order: behind an element come its attributes, each with its content, then its own
// content and children. A node says how many nodes its subtree has, itself included, so that a subtree can be
// copied as it is.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "ingest/binxml_value.h"

namespace redthread {

struct XmlNode {
  enum class Kind : uint8_t {
    kElement,    // text: its name, UTF-8
    kAttribute,  // text: its name, UTF-8
    kText,       // text: UTF-8
    kValue,      // text: the bytes of a value of that type
  };
  Kind kind = Kind::kElement;
  uint8_t type = 0;  // of a value: BinXmlType, perhaps with kBinXmlArray
  uint32_t nodes = 1;
  std::string_view text;  // of the buffer that was read, or of an arena: whoever fills the tree says which

  // Whether it is content, and there is something to show.
  bool HasText() const {
    if (kind == Kind::kText) return !text.empty();
    return kind == Kind::kValue && !IsEmptyValue(type, text);
  }
};

// Reused from event to event.
class XmlTree {
 public:
  void Clear() { nodes_.clear(); }
  uint32_t size() const { return static_cast<uint32_t>(nodes_.size()); }
  const XmlNode& operator[](uint32_t i) const { return nodes_[i]; }
  XmlNode& operator[](uint32_t i) { return nodes_[i]; }

  uint32_t Add(XmlNode::Kind kind, std::string_view text, uint8_t type = 0) {
    nodes_.push_back({kind, type, 1, text});
    return size() - 1;
  }
  // The subtree of an element or attribute ends here.
  void Close(uint32_t i) { nodes_[i].nodes = size() - i; }

  // Calls visit(i) for each direct part of the node: attributes, content, children.
  template <typename Visit>
  void ForEach(uint32_t i, Visit&& visit) const {
    const uint32_t end = i + nodes_[i].nodes;
    for (uint32_t c = i + 1; c < end; c += nodes_[c].nodes) visit(c);
  }

  // All nodes, for who rearranges them.
  std::vector<XmlNode>& nodes() { return nodes_; }

 private:
  std::vector<XmlNode> nodes_;
};

}  // namespace redthread
