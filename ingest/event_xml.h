// EventXmlReader: a Windows event written as XML -> XmlTree.
//
//   <Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System>..</System>..</Event>
//
// Not a parser of all of XML, and on purpose: one element, the five entities that XML itself has, numeric
// references, CDATA, comments. A document type declaration is refused, so nothing can be defined, fetched or
// expanded. White space between tags is no content, but for blanks that are all that an element has.
//
// Source: Extensible Markup Language 1.0, fifth edition.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "core/event.h"
#include "ingest/xml_tree.h"

namespace redthread {

// One per thread.
class EventXmlReader {
 public:
  // Elements within each other; events have not ten.
  static constexpr size_t kMaxDepth = 64;
  static constexpr size_t kMaxNodes = 1 << 18;

  // Whether a text begins like an event: "<Event", perhaps behind a declaration.
  static bool LooksLikeEvent(std::string_view text);

  // Reads the event into an empty tree. `text` is valid UTF-8; the tree's texts lie in it and in the arena.
  // Null when all of it could be read; else what is wrong, and the tree has what was read before, so that of
  // a line that was cut short the beginning counts.
  const char* Read(std::string_view text, XmlTree* tree, Arena* arena);

  // Where Read stopped.
  size_t offset() const { return at_; }

 private:
  struct OpenElement {
    uint32_t node = 0;
    bool has_child = false;
  };

  const char* ReadAll();
  const char* ReadMarkup();
  const char* ReadStartTag();
  const char* ReadAttribute();
  const char* ReadEndTag();
  const char* ReadCData();
  const char* SkipTo(std::string_view end, const char* reason);
  void ReadText();
  void AddText(std::string_view text);
  std::string_view TakeName();
  std::string_view Unescape(std::string_view text);
  void SkipSpace();
  bool At(std::string_view mark) const { return text_.substr(at_, mark.size()) == mark; }

  std::string_view text_;
  size_t at_ = 0;
  XmlTree* tree_ = nullptr;
  Arena* arena_ = nullptr;
  std::vector<OpenElement> open_;
};

}  // namespace redthread
