#include "rules/yaml.h"

#include <yaml.h>

#include <algorithm>
#include <utility>

namespace redthread {
namespace {

size_t CodePoints(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(),
                                           [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; }));
}

// The n-th line (from 0) of the text.
std::string_view LineOf(std::string_view text, size_t n) {
  for (; n > 0; --n) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

// Whether the text ends with one of YAML's line breaks: LF, CR, NEL, LS or PS.
bool EndsWithLineBreak(std::string_view text) {
  for (const std::string_view line_break : {"\n", "\r", "\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9"}) {
    if (text.size() >= line_break.size() && text.substr(text.size() - line_break.size()) == line_break)
      return true;
  }
  return false;
}

std::string_view ScalarText(const yaml_event_t& e) {
  return {reinterpret_cast<const char*>(e.data.scalar.value), e.data.scalar.length};
}

class YamlReader {
 public:
  explicit YamlReader(std::string_view text) : text_(text) {
    initialized_ = yaml_parser_initialize(&parser_) != 0;
    if (!initialized_) return;
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
  }
  ~YamlReader() {
    if (have_event_) yaml_event_delete(&event_);
    if (initialized_) yaml_parser_delete(&parser_);
  }
  YamlReader(const YamlReader&) = delete;
  YamlReader& operator=(const YamlReader&) = delete;

  std::vector<YamlDocument> Read() {
    std::vector<YamlDocument> documents;
    while (Next() && event_.type != YAML_STREAM_END_EVENT) {
      if (event_.type != YAML_DOCUMENT_START_EVENT) continue;
      document_start_ = event_.start_mark.index;
      in_document_ = true;
      if (Next()) ReadNode(&document_.root, 1);
      if (!failed_) documents.push_back(std::exchange(document_, {}));
      in_document_ = false;
    }
    if (failed_) documents.push_back(std::move(document_));
    return documents;
  }

 private:
  void Complain(const yaml_mark_t& at, std::string message) {
    int line = static_cast<int>(at.line) + 1;
    int column = static_cast<int>(at.column) + 1;
    // Behind a text without a final line break libyaml counts one line more than there are.
    if (line > 1 && column == 1 && at.index >= CodePoints(text_) && !EndsWithLineBreak(text_)) {
      --line;
      column =
          static_cast<int>(CodePoints(text_.substr(text_.find_last_of("\n\r") + 1))) + 1;  // npos + 1 is 0
    }
    document_.problems.push_back({line, column, std::move(message)});
  }

  // Moves to the next event. False when reading has to stop; the reason stands in the document.
  bool Next() {
    if (failed_) return false;
    if (have_event_) yaml_event_delete(&event_);
    have_event_ = initialized_ && yaml_parser_parse(&parser_, &event_) != 0;
    if (!have_event_) {
      ComplainOfSyntax();
      failed_ = true;
    } else if (in_document_ && event_.end_mark.index - document_start_ > kMaxYamlDocument) {
      Complain(event_.start_mark, "the document is longer than 1 MiB, split it into several");
      failed_ = true;
    }
    return !failed_;
  }

  void ComplainOfSyntax() {
    if (!initialized_ || parser_.error == YAML_MEMORY_ERROR) {
      document_.problems.push_back({1, 1, "out of memory while reading YAML"});
      return;
    }
    if (parser_.error == YAML_READER_ERROR) {
      const std::string_view before = text_.substr(0, parser_.problem_offset);
      const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
      document_.problems.push_back({static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
                                    static_cast<int>(CodePoints(before.substr(line_start))) + 1,
                                    std::string(parser_.problem) + ", save the file as clean UTF-8"});
      return;
    }
    const std::string_view line = LineOf(text_, parser_.problem_mark.line);
    const size_t indent = line.find_first_not_of(" \t");
    if (line.substr(0, indent).find('\t') != std::string_view::npos) {
      Complain(parser_.problem_mark, "a tab in the indentation, write spaces");
      return;
    }
    std::string message = "bad YAML: ";
    message += parser_.problem != nullptr ? parser_.problem : "cannot be read";
    if (parser_.context != nullptr) {
      message += " (";
      message += parser_.context;
      message += " of line " + std::to_string(parser_.context_mark.line + 1) + ")";
    }
    Complain(parser_.problem_mark, message + ", check the indentation, quotes and colons here");
  }

  // Reads the node that begins with the current event; leaves its last event as the current one.
  void ReadNode(YamlNode* node, int depth) {
    node->line = static_cast<int>(event_.start_mark.line) + 1;
    node->column = static_cast<int>(event_.start_mark.column) + 1;
    switch (event_.type) {
      case YAML_ALIAS_EVENT:
        Complain(event_.start_mark, "aliases (*name) are not accepted, write the value out");
        return;
      case YAML_SCALAR_EVENT:
        RefuseDecoration(event_.data.scalar.anchor, event_.data.scalar.tag);
        ReadScalar(node);
        return;
      case YAML_SEQUENCE_START_EVENT:
        RefuseDecoration(event_.data.sequence_start.anchor, event_.data.sequence_start.tag);
        node->kind = YamlNode::Kind::kSequence;
        ReadChildren(node, YAML_SEQUENCE_END_EVENT, depth);
        return;
      case YAML_MAPPING_START_EVENT:
        RefuseDecoration(event_.data.mapping_start.anchor, event_.data.mapping_start.tag);
        node->kind = YamlNode::Kind::kMap;
        ReadChildren(node, YAML_MAPPING_END_EVENT, depth);
        if (!failed_) CheckKeys(*node);
        return;
      default:
        return;
    }
  }

  void ReadScalar(YamlNode* node) {
    const std::string_view text = ScalarText(event_);
    node->text = text;
    const yaml_scalar_style_t style = event_.data.scalar.style;
    node->plain = style == YAML_PLAIN_SCALAR_STYLE;
    if (event_.start_mark.line != event_.end_mark.line) return;
    const size_t quotes = node->plain ? 0 : 2;
    if (event_.end_mark.column - event_.start_mark.column == CodePoints(text) + quotes) {
      node->text_column = node->column + static_cast<int>(quotes / 2);
    }
  }

  void ReadChildren(YamlNode* node, yaml_event_type_t end, int depth) {
    if (depth > kMaxYamlDepth) {
      // libyaml takes quadratic time for deep nesting, so the rest is not even skipped.
      Complain(event_.start_mark,
               "nested deeper than " + std::to_string(kMaxYamlDepth) + " levels, write it flatter");
      failed_ = true;
      return;
    }
    while (Next() && event_.type != end) {
      node->children.emplace_back();
      ReadNode(&node->children.back(), depth + 1);
    }
  }

  void RefuseDecoration(const yaml_char_t* anchor, const yaml_char_t* tag) {
    if (anchor != nullptr) {
      Complain(event_.start_mark, "anchors (&name) are not accepted, write the value out where it is needed");
    }
    if (tag != nullptr) {
      Complain(event_.start_mark, "tags (!name) are not accepted, quote the value to make it text");
    }
  }

  // Keys must be scalars, not `<<`, and differ.
  void CheckKeys(const YamlNode& map) {
    std::vector<const YamlNode*> keys;
    keys.reserve(map.entries());
    for (size_t i = 0; i < map.entries(); ++i) {
      const YamlNode& key = map.key(i);
      if (!key.IsScalar()) {
        ComplainOfKey(key, "a list or a map cannot be a key, write a name");
      } else if (key.plain && key.text == "<<") {
        ComplainOfKey(key, "merge keys (<<) are not accepted, write the entries out");
      } else {
        keys.push_back(&key);
      }
    }
    std::stable_sort(keys.begin(), keys.end(),
                     [](const YamlNode* a, const YamlNode* b) { return a->text < b->text; });
    for (size_t i = 1; i < keys.size(); ++i) {
      if (keys[i]->text != keys[i - 1]->text) continue;
      ComplainOfKey(*keys[i], "duplicate key `" + keys[i]->text + "`, it stands already in line " +
                                  std::to_string(keys[i - 1]->line) + "; keep one of them");
    }
  }

  void ComplainOfKey(const YamlNode& key, std::string message) {
    document_.problems.push_back({key.line, key.column, std::move(message)});
  }

  std::string_view text_;
  yaml_parser_t parser_;
  yaml_event_t event_;
  YamlDocument document_;
  size_t document_start_ = 0;
  bool initialized_ = false;
  bool have_event_ = false;
  bool in_document_ = false;
  bool failed_ = false;
};

}  // namespace

bool YamlNode::IsNull() const {
  return IsScalar() && plain &&
         (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL");
}

const YamlNode* YamlNode::Find(std::string_view name) const {
  if (!IsMap()) return nullptr;
  for (size_t i = 0; i < entries(); ++i) {
    if (key(i).text == name) return &value(i);
  }
  return nullptr;
}

std::vector<YamlDocument> ParseYaml(std::string_view text) { return YamlReader(text).Read(); }

int YamlColumnAt(const YamlNode& scalar, size_t offset) {
  if (scalar.text_column == 0 || offset == 0) return scalar.column;
  return scalar.text_column + static_cast<int>(YamlCharacters(scalar.text, offset));
}

size_t YamlCharacters(std::string_view text, size_t bytes) { return CodePoints(text.substr(0, bytes)); }

}  // namespace redthread
