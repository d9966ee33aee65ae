#include "ingest/xml_export_stream.h"

#include <algorithm>
#include <cstring>

#include "ingest/utf8_stream.h"

namespace redthread {

namespace {

constexpr std::string_view kEventEnd = "</Event>";
constexpr size_t kReadBytes = 64 << 10;

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool BeginsTag(std::string_view text, std::string_view tag) {
  if (!text.starts_with(tag) || text.size() == tag.size()) return false;
  const char next = text[tag.size()];
  return IsSpace(next) || next == '>' || next == '/';
}

void SkipSpace(std::string_view* text) {
  while (!text->empty() && IsSpace(text->front())) text->remove_prefix(1);
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

Result<size_t> XmlExportStream::Read(char* out, size_t size) {
  while (taken_ == lines_.size()) {
    lines_.clear();
    taken_ = 0;
    if (TakePart()) continue;
    if (at_end_) {
      if (!failure_.ok()) return failure_;
      return size_t{0};
    }
    Fill();
  }
  const size_t n = std::min(size, lines_.size() - taken_);
  std::memcpy(out, lines_.data() + taken_, n);
  taken_ += n;
  return n;
}

void XmlExportStream::Fill() {
  text_.erase(0, done_);
  searched_ -= std::min(searched_, done_);
  done_ = 0;
  const size_t used = text_.size();
  text_.resize(used + kReadBytes);
  const Result<size_t> n = from_->Read(text_.data() + used, kReadBytes);
  text_.resize(used + (n.ok() ? *n : 0));
  failure_ = n.status();
  at_end_ = !n.ok() || *n == 0;
}

bool XmlExportStream::TakePart() {
  std::string_view rest = std::string_view(text_).substr(done_);
  SkipSpace(&rest);
  done_ = text_.size() - rest.size();
  if (rest.empty()) return false;
  if (BeginsTag(rest, "<Event")) return TakeEvent();
  // One tag, or text up to the next.
  const bool tag = rest.front() == '<';
  const size_t found = rest.find(tag ? '>' : '<');
  if (found == std::string_view::npos && !at_end_ && rest.size() < kMaxLineBytes) return false;
  const size_t end = found == std::string_view::npos ? rest.size() : found + (tag ? 1 : 0);
  const std::string_view part = rest.substr(0, std::min(end, kMaxLineBytes));
  done_ += part.size();
  const bool root = BeginsTag(part, "<Events") || part == "</Events>" || part.starts_with("<?xml");
  if (!root) AddLine(part);
  return true;
}

bool XmlExportStream::TakeEvent() {
  const size_t found = text_.find(kEventEnd, std::max(searched_, done_));
  if (found == std::string::npos && !at_end_ && text_.size() - done_ < kMaxLineBytes) {
    searched_ = text_.size() - std::min(text_.size(), kEventEnd.size() - 1);
    return false;
  }
  // The same in whatever pieces it was read: so what is too long is cut also where its end is known.
  const size_t all = found == std::string::npos ? text_.size() : found + kEventEnd.size();
  const size_t end = std::min(all, done_ + kMaxLineBytes);
  AddLine(std::string_view(text_).substr(done_, end - done_));
  done_ = searched_ = end;
  return true;
}

void XmlExportStream::AddLine(std::string_view text) {
  bool in_tag = false;
  for (const char c : text) {
    if (c == '\n' || c == '\r') {
      lines_.append(in_tag ? " " : c == '\n' ? "&#10;" : "&#13;");
      continue;
    }
    in_tag = c == '<' || (in_tag && c != '>');
    lines_.push_back(c);
  }
  lines_.push_back('\n');
}

}  // namespace redthread
