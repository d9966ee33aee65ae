#include "ingest/event_xml.h"

#include <charconv>
#include <string>

#include "core/text.h"

namespace redthread {

namespace {

using Kind = XmlNode::Kind;

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr const char* kCut = "XML ends within an element";
constexpr const char* kCutTag = "XML ends within a tag";

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool EndsName(char c) {
  return IsSpace(c) || c == '/' || c == '>' || c == '=' || c == '<' || c == '"' || c == '\'';
}

bool IsBlank(std::string_view text) {
  for (const char c : text) {
    if (!IsSpace(c)) return false;
  }
  return true;
}

// The character that "#10" or "#x1F600" stands for; U+FFFD for what is none. False when it is not a number.
bool ReadNumericReference(std::string_view name, char32_t* c) {
  const bool hex = name.size() > 1 && (name[1] == 'x' || name[1] == 'X');
  const char* const begin = name.data() + (hex ? 2 : 1);
  const char* const end = name.data() + name.size();
  uint32_t number = 0;
  const auto [next, error] = std::from_chars(begin, end, number, hex ? 16 : 10);
  if (begin == end || next != end) return false;
  const bool valid =
      error == std::errc() && number != 0 && number <= 0x10FFFF && (number < 0xD800 || number > 0xDFFF);
  *c = valid ? number : U'\uFFFD';
  return true;
}

// Appends what the reference &name; stands for. False when it stands for nothing.
bool AppendReference(std::string_view name, std::string* out) {
  char32_t c = 0;
  if (name == "lt") {
    c = '<';
  } else if (name == "gt") {
    c = '>';
  } else if (name == "amp") {
    c = '&';
  } else if (name == "quot") {
    c = '"';
  } else if (name == "apos") {
    c = '\'';
  } else if (name.empty() || name[0] != '#' || !ReadNumericReference(name, &c)) {
    return false;
  }
  AppendUtf8(c, out);
  return true;
}

}  // namespace

bool EventXmlReader::LooksLikeEvent(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  while (!text.empty() && IsSpace(text[0])) text.remove_prefix(1);
  if (text.starts_with("<?xml")) {
    const size_t end = text.find("?>");
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
    while (!text.empty() && IsSpace(text[0])) text.remove_prefix(1);
  }
  constexpr std::string_view kTag = "<Event";
  return text.starts_with(kTag) && text.size() > kTag.size() && EndsName(text[kTag.size()]);
}

const char* EventXmlReader::Read(std::string_view text, XmlTree* tree, Arena* arena) {
  text_ = text;
  at_ = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  tree_ = tree;
  arena_ = arena;
  open_.clear();
  const char* const failure = ReadAll();
  for (; !open_.empty(); open_.pop_back()) tree_->Close(open_.back().node);
  return failure;
}

const char* EventXmlReader::ReadAll() {
  while (at_ < text_.size()) {
    if (tree_->size() > kMaxNodes) return "more XML than the limit";
    if (text_[at_] == '<') {
      if (const char* const failure = ReadMarkup(); failure != nullptr) return failure;
    } else if (!open_.empty()) {
      ReadText();
    } else {
      SkipSpace();
      if (at_ < text_.size() && text_[at_] != '<') return "text outside of the XML element";
    }
  }
  if (!open_.empty()) return kCut;
  return tree_->size() == 0 ? "no XML element" : nullptr;
}

const char* EventXmlReader::ReadMarkup() {
  if (At("</")) return ReadEndTag();
  if (At("<?")) return SkipTo("?>", kCutTag);
  if (At("<!--")) return SkipTo("-->", "XML ends within a comment");
  if (At("<![CDATA[") && !open_.empty()) return ReadCData();
  if (At("<!")) return "XML with a declaration";
  return ReadStartTag();
}

const char* EventXmlReader::ReadStartTag() {
  if (open_.empty() && tree_->size() > 0) return "XML with more than one element";
  if (open_.size() >= kMaxDepth) return "nested too deep";
  const size_t begin = at_++;
  const std::string_view name = TakeName();
  if (name.empty()) {
    at_ = begin;
    return at_ + 1 < text_.size() ? "XML tag without a name" : kCutTag;
  }
  if (!open_.empty()) open_.back().has_child = true;
  open_.push_back({tree_->Add(Kind::kElement, name)});
  for (;;) {
    SkipSpace();
    if (at_ == text_.size()) return kCutTag;
    if (text_[at_] == '>') {
      ++at_;
      return nullptr;
    }
    if (At("/>")) {
      at_ += 2;
      tree_->Close(open_.back().node);
      open_.pop_back();
      return nullptr;
    }
    if (tree_->size() > kMaxNodes) return "more XML than the limit";
    if (const char* const failure = ReadAttribute(); failure != nullptr) return failure;
  }
}

const char* EventXmlReader::ReadAttribute() {
  const std::string_view name = TakeName();
  if (name.empty()) return "XML attribute without a name";
  SkipSpace();
  if (!At("=")) return "XML attribute without a value";
  ++at_;
  SkipSpace();
  if (!At("\"") && !At("'")) return "XML attribute without quotes";
  const size_t end = text_.find(text_[at_], at_ + 1);
  if (end == std::string_view::npos) return kCutTag;
  const uint32_t attribute = tree_->Add(Kind::kAttribute, name);
  AddText(Unescape(text_.substr(at_ + 1, end - at_ - 1)));
  tree_->Close(attribute);
  at_ = end + 1;
  return nullptr;
}

const char* EventXmlReader::ReadEndTag() {
  const size_t begin = at_;
  at_ += 2;
  const std::string_view name = TakeName();
  SkipSpace();
  const bool closed = At(">");
  if (!closed || open_.empty() || (*tree_)[open_.back().node].text != name) {
    at_ = begin;
    return closed ? "XML end tag of another element" : kCutTag;
  }
  ++at_;
  tree_->Close(open_.back().node);
  open_.pop_back();
  return nullptr;
}

const char* EventXmlReader::ReadCData() {
  constexpr std::string_view kBegin = "<![CDATA[";
  constexpr std::string_view kEnd = "]]>";
  const size_t begin = at_ + kBegin.size();
  const size_t end = text_.find(kEnd, begin);
  AddText(text_.substr(begin, end == std::string_view::npos ? end : end - begin));
  at_ = end == std::string_view::npos ? text_.size() : end + kEnd.size();
  return end == std::string_view::npos ? kCut : nullptr;
}

const char* EventXmlReader::SkipTo(std::string_view end, const char* reason) {
  const size_t found = text_.find(end, at_);
  if (found == std::string_view::npos) return reason;
  at_ = found + end.size();
  return nullptr;
}

void EventXmlReader::ReadText() {
  const size_t end = std::min(text_.find('<', at_), text_.size());
  const std::string_view text = text_.substr(at_, end - at_);
  at_ = end;
  const std::string_view content = Unescape(text);
  const bool only_content = !open_.back().has_child && At("</");
  if (!IsBlank(content) || (only_content && content.find('\n') == std::string_view::npos)) AddText(content);
}

void EventXmlReader::AddText(std::string_view text) {
  if (!text.empty()) tree_->Add(Kind::kText, text);
}

std::string_view EventXmlReader::TakeName() {
  const size_t begin = at_;
  while (at_ < text_.size() && !EndsName(text_[at_])) ++at_;
  return text_.substr(begin, at_ - begin);
}

// What stands for nothing stays as it is.
std::string_view EventXmlReader::Unescape(std::string_view text) {
  size_t ampersand = text.find('&');
  if (ampersand == std::string_view::npos) return text;
  constexpr size_t kLongestName = 32;
  std::string out;
  size_t done = 0;
  for (; ampersand != std::string_view::npos; ampersand = text.find('&', ampersand + 1)) {
    const size_t length = text.substr(ampersand + 1, kLongestName).find(';');
    if (length == std::string_view::npos) continue;
    out.append(text.substr(done, ampersand - done));
    const bool known = AppendReference(text.substr(ampersand + 1, length), &out);
    done = known ? ampersand + length + 2 : ampersand;
  }
  out.append(text.substr(done));
  return arena_->Copy(out);
}

void EventXmlReader::SkipSpace() {
  while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
}

}  // namespace redthread
