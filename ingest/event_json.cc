#include "ingest/event_json.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace redthread {

namespace {

using Kind = XmlNode::Kind;

// Of how many different names of children it is remembered how often they came; later ones are not renamed.
constexpr size_t kMaxNamesCounted = 64;

bool IsContent(const XmlNode& node) { return node.kind == Kind::kText || node.kind == Kind::kValue; }
bool HoldsData(std::string_view element) { return element == "EventData" || element == "UserData"; }

// Attributes without text count as if they were not there.
struct Parts {
  bool attributes = false;
  bool text = false;
  bool elements = false;
};

class JsonWriter {
 public:
  JsonWriter(const XmlTree& tree, size_t max_bytes, std::string* out)
      : tree_(tree), limit_(out->size() + max_bytes), out_(out) {}

  // The depth of recursion is that of the tree, which its readers limit.
  void Element(uint32_t element, bool holds_data) {
    if (Full()) return;
    const Parts parts = PartsOf(element);
    if (!parts.attributes && !parts.text && !parts.elements) {
      out_->append("null");
    } else if (!parts.attributes && !parts.elements) {
      Content(element);
    } else {
      Object(element, parts, holds_data);
    }
  }

  bool Full() const { return out_->size() > limit_; }

  void Key(std::string_view name, size_t number) {
    Separate();
    out_->push_back('"');
    AppendEscapedUtf8(name, out_);
    if (number > 0) out_->append("_").append(std::to_string(number));
    out_->append("\":");
  }

 private:
  class NameCounts {
   public:
    // How often the name came before.
    size_t Count(std::string_view name) {
      for (size_t i = 0; i < used_; ++i) {
        if (names_[i].first == name) return names_[i].second++;
      }
      if (used_ < names_.size()) names_[used_++] = {name, 1};
      return 0;
    }

   private:
    std::array<std::pair<std::string_view, size_t>, kMaxNamesCounted> names_;
    size_t used_ = 0;
  };

  bool HasText(uint32_t node) const {
    bool has = false;
    tree_.ForEach(node, [&](uint32_t c) { has |= tree_[c].HasText(); });
    return has;
  }

  Parts PartsOf(uint32_t element) const {
    Parts parts;
    tree_.ForEach(element, [&](uint32_t c) {
      const XmlNode& node = tree_[c];
      if (node.kind == Kind::kElement) {
        parts.elements = true;
      } else if (node.kind == Kind::kAttribute) {
        parts.attributes |= HasText(c);
      } else {
        parts.text |= node.HasText();
      }
    });
    return parts;
  }

  // A comma, unless something begins here.
  void Separate() {
    if (out_->back() != '{' && out_->back() != '[') out_->push_back(',');
  }

  // The content of an element or attribute: a number, if it is but one, else a string.
  void Content(uint32_t node) {
    uint32_t only = 0;
    size_t count = 0;
    tree_.ForEach(node, [&](uint32_t c) {
      if (!tree_[c].HasText()) return;
      only = c;
      ++count;
    });
    if (count == 1 && tree_[only].kind == Kind::kValue &&
        AppendJsonNumber(tree_[only].type, tree_[only].text, out_)) {
      return;
    }
    out_->push_back('"');
    Text(node);
    out_->push_back('"');
  }

  void Text(uint32_t node) {
    tree_.ForEach(node, [&](uint32_t c) {
      const XmlNode& part = tree_[c];
      if (!IsContent(part) || Full()) return;
      if (part.kind == Kind::kText) {
        AppendEscapedUtf8(part.text, out_);
      } else {
        AppendValueText(part.type, part.text, out_);
      }
    });
  }

  void Object(uint32_t element, const Parts& parts, bool holds_data) {
    out_->push_back('{');
    if (parts.attributes) Attributes(element);
    if (parts.text) {
      Key("#text", 0);
      Content(element);
    }
    const bool named = holds_data && HasNamedData(element);
    NameCounts names;
    bool listed = false;
    tree_.ForEach(element, [&](uint32_t c) {
      const XmlNode& child = tree_[c];
      if (child.kind != Kind::kElement || Full()) return;
      if (holds_data && child.text == "Data") {
        if (named) {
          NamedData(c);
        } else if (!listed) {
          ListData(element);
          listed = true;
        }
        return;
      }
      Key(child.text, names.Count(child.text));
      Element(c, HoldsData(child.text));
    });
    out_->push_back('}');
  }

  void Attributes(uint32_t element) {
    Key("#attributes", 0);
    out_->push_back('{');
    tree_.ForEach(element, [&](uint32_t a) {
      if (tree_[a].kind != Kind::kAttribute || !HasText(a)) return;
      Key(tree_[a].text, 0);
      Content(a);
    });
    out_->push_back('}');
  }

  // The attribute Name of an element, 0 when it has none with text.
  uint32_t NameOf(uint32_t element) const {
    uint32_t name = 0;
    tree_.ForEach(element, [&](uint32_t a) {
      if (name == 0 && tree_[a].kind == Kind::kAttribute && tree_[a].text == "Name" && HasText(a)) name = a;
    });
    return name;
  }

  bool HasNamedData(uint32_t element) const {
    bool named = false;
    tree_.ForEach(element, [&](uint32_t c) {
      named |= tree_[c].kind == Kind::kElement && tree_[c].text == "Data" && NameOf(c) != 0;
    });
    return named;
  }

  // Among named ones, one without a name is called Data: it is no less part of the event.
  void NamedData(uint32_t element) {
    const uint32_t name = NameOf(element);
    Separate();
    out_->push_back('"');
    if (name != 0) {
      Text(name);
    } else {
      out_->append("Data");
    }
    out_->append("\":");
    DataValue(element);
  }

  void ListData(uint32_t element) {
    Key("Data", 0);
    out_->append("{\"#text\":[");
    const size_t begin = out_->size();
    size_t count = 0;
    tree_.ForEach(element, [&](uint32_t c) {
      if (tree_[c].kind != Kind::kElement || tree_[c].text != "Data" || Full()) return;
      Separate();
      DataValue(c);
      ++count;
    });
    if (count == 1) {
      out_->erase(begin - 1, 1);
    } else {
      out_->push_back(']');
    }
    out_->push_back('}');
  }

  // Unlike other elements, data are never null; their attributes are left out but for those of structures.
  void DataValue(uint32_t element) {
    const Parts parts = PartsOf(element);
    if (parts.elements) {
      Object(element, parts, false);
    } else if (parts.text) {
      Content(element);
    } else {
      out_->append("\"\"");
    }
  }

  const XmlTree& tree_;
  const size_t limit_;
  std::string* const out_;
};

}  // namespace

bool AppendEventJson(const XmlTree& tree, size_t max_bytes, std::string* out) {
  if (tree.size() == 0 || tree[0].kind != Kind::kElement || tree[0].nodes != tree.size()) return false;
  JsonWriter writer(tree, max_bytes, out);
  out->push_back('{');
  writer.Key(tree[0].text, 0);
  writer.Element(0, false);
  out->push_back('}');
  return !writer.Full();
}

}  // namespace redthread
