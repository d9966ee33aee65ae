#include "ingest/xml_export_stream.h"

#include <algorithm>

#include "ingest/utf8_stream.h"

namespace redthread {

namespace {

constexpr std::string_view kEventEnd = "</Event>";

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool BeginsTag(std::string_view text, std::string_view tag) {
  if (!text.starts_with(tag) || text.size() == tag.size()) return false;
  const char next = text[tag.size()];
  return IsSpace(next) || next == '>' || next == '/';
}

void SkipSpace(std::string_view* text) {
  while (!text->empty() && IsSpace(text->front())) text->remove_prefix(1);
}

void AddLine(std::string_view text, std::string* lines) {
  bool in_tag = false;
  for (const char c : text) {
    if (c == '\n' || c == '\r') {
      lines->append(in_tag ? " " : c == '\n' ? "&#10;" : "&#13;");
      continue;
    }
    in_tag = c == '<' || (in_tag && c != '>');
    lines->push_back(c);
  }
  lines->push_back('\n');
}

}  // namespace

bool XmlExportStream::MayDetect(std::string_view beginning) {
  const std::string text = AsciiOf(beginning);
  const size_t visible = text.find_first_not_of(" \t\r\n");
  if (visible == std::string::npos) return false;
  const std::string_view seen = std::string_view(text).substr(visible);
  // What is seen of "<?xml" or "<Events".
  return std::string_view("<?xml").starts_with(seen.substr(0, 5)) ||
         std::string_view("<Events").starts_with(seen.substr(0, 7));
}

bool XmlExportStream::Detect(std::string_view beginning) {
  const std::string ascii = AsciiOf(beginning);
  std::string_view text = ascii;
  SkipSpace(&text);
  if (BeginsTag(text, "<Events")) return true;
  const size_t end = text.find("?>");
  if (!text.starts_with("<?xml") || end == std::string_view::npos) return false;
  text.remove_prefix(end + 2);
  SkipSpace(&text);
  return BeginsTag(text, "<Events") || BeginsTag(text, "<Event");
}

// White space is a part of its own, and of no line.
size_t XmlExportStream::TakePart(std::string_view text, bool at_end, std::string* lines) {
  std::string_view rest = text;
  SkipSpace(&rest);
  if (rest.size() < text.size() || rest.empty()) return text.size() - rest.size();
  if (BeginsTag(text, "<Event")) return TakeEvent(text, at_end, lines);
  // One tag, or text up to the next.
  const bool tag = text.front() == '<';
  const size_t found = text.find(tag ? '>' : '<');
  if (found == std::string_view::npos && !at_end && text.size() < kMaxLineBytes) return 0;
  const size_t end = found == std::string_view::npos ? text.size() : found + (tag ? 1 : 0);
  const std::string_view part = text.substr(0, std::min(end, kMaxLineBytes));
  const bool root = BeginsTag(part, "<Events") || part == "</Events>" || part.starts_with("<?xml");
  if (!root) AddLine(part, lines);
  return part.size();
}

size_t XmlExportStream::TakeEvent(std::string_view text, bool at_end, std::string* lines) {
  const size_t found = text.find(kEventEnd, searched_);
  if (found == std::string_view::npos && !at_end && text.size() < kMaxLineBytes) {
    searched_ = text.size() - std::min(text.size(), kEventEnd.size() - 1);
    return 0;
  }
  // The same in whatever pieces it was read: so what is too long is cut also where its end is known.
  const size_t all = found == std::string_view::npos ? text.size() : found + kEventEnd.size();
  const size_t end = std::min(all, kMaxLineBytes);
  AddLine(text.substr(0, end), lines);
  searched_ = 0;
  return end;
}

}  // namespace redthread
