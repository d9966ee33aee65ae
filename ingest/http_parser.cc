#include "ingest/http_parser.h"

#include <algorithm>
#include <charconv>

namespace redthread {

namespace {

constexpr size_t kMaxLine = 1024;  // of a chunk's size with its extensions
constexpr size_t kMaxTrailerBytes = 8 << 10;

bool IsTokenCharacter(char c) {
  const auto u = static_cast<unsigned char>(c);
  if ((u | 0x20) >= 'a' && (u | 0x20) <= 'z') return true;
  return (u >= '0' && u <= '9') || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsTokenCharacter);
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return lower;
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Whether a list of tokens, "keep-alive, Upgrade", names that one.
bool Names(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    if (Lower(Trimmed(list.substr(0, comma))) == name) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

// Digits, and nothing else.
bool ReadNumber(std::string_view text, int base, uint64_t* number) {
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, *number, base);
  return !text.empty() && error == std::errc() && rest == end;
}

std::string Decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    uint64_t byte = 0;
    if (text[i] == '%' && i + 2 < text.size() && ReadNumber(text.substr(i + 1, 2), 16, &byte)) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

}  // namespace

std::string_view HttpRequest::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

std::string HttpRequest::Parameter(std::string_view name) const {
  for (std::string_view rest = query; !rest.empty();) {
    const size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const size_t equals = std::min(pair.find('='), pair.size());
    if (Decoded(pair.substr(0, equals)) == name && equals < pair.size())
      return Decoded(pair.substr(equals + 1));
  }
  return {};
}

bool HttpParser::Fail(int status, const char* reason) {
  state_ = State::kFailed;
  failure_status_ = status;
  failure_reason_ = reason;
  return false;
}

HttpParser::Step HttpParser::FailStep(int status, const char* reason) {
  Fail(status, reason);
  return Step::kFailed;
}

void HttpParser::Next() {
  request_ = {};
  head_.clear();
  line_.clear();
  left_ = body_bytes_ = 0;
  trailer_bytes_ = 0;
  chunked_ = discards_ = false;
  inflater_.reset();
  state_ = State::kHead;
}

void HttpParser::Discard() {
  discards_ = true;
  inflater_.reset();
  std::string().swap(request_.body);
}

HttpParser::Step HttpParser::Feed(std::string_view* bytes) {
  if (state_ == State::kFailed) return Step::kFailed;
  return state_ == State::kHead ? FeedHead(bytes) : FeedBody(bytes);
}

// ---- the head

HttpParser::Step HttpParser::FeedHead(std::string_view* bytes) {
  constexpr std::string_view kEnd = "\r\n\r\n";
  // Line ends before a request are passed over. Source: RFC 9112, 2.2.
  while (head_.empty() && !bytes->empty() && (bytes->front() == '\r' || bytes->front() == '\n'))
    bytes->remove_prefix(1);
  const size_t before = head_.size();
  head_.append(
      bytes->substr(0, options_.max_head_bytes + kEnd.size() - std::min(before, options_.max_head_bytes)));
  const size_t end = head_.find(kEnd, before < kEnd.size() ? 0 : before - kEnd.size() + 1);
  if (end == std::string::npos) {
    if (head_.size() > options_.max_head_bytes)
      return FailStep(431, "the request line and headers are too long");
    bytes->remove_prefix(head_.size() - before);
    return Step::kMore;
  }
  bytes->remove_prefix(end + kEnd.size() - before);
  head_.resize(end);
  if (!ReadHead() || !ReadFraming() || !ReadEncoding()) return Step::kFailed;
  head_.clear();
  state_ = chunked_ ? State::kChunkSize : State::kBody;
  return Step::kHead;
}

bool HttpParser::ReadHead() {
  std::string_view rest = head_;
  bool first = true;
  while (first || !rest.empty()) {
    const size_t end = std::min(rest.find("\r\n"), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 2, rest.size()));
    if (!(first ? ReadRequestLine(line) : ReadHeader(line))) return false;
    first = false;
  }
  return true;
}

bool HttpParser::ReadRequestLine(std::string_view line) {
  const size_t method_end = line.find(' ');
  const size_t target_end = line.rfind(' ');
  if (method_end == std::string_view::npos || target_end == method_end ||
      !IsToken(line.substr(0, method_end)))
    return Fail(400, "no request line of HTTP");
  const std::string_view version = line.substr(target_end + 1);
  std::string_view target = line.substr(method_end + 1, target_end - method_end - 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return Fail(505, "only HTTP/1.1 is spoken here");
  minor_version_ = version.back() - '0';
  if (std::any_of(target.begin(), target.end(), [](char c) { return c <= ' ' || c == '\x7f'; }))
    return Fail(400, "no target of a request");
  // With its scheme and host, as to a proxy. Source: RFC 9112, 3.2.2.
  if (const size_t scheme = target.find("://"); target.front() != '/' && scheme != std::string_view::npos)
    target.remove_prefix(std::min(target.find('/', scheme + 3), target.size()));
  const size_t question = std::min(target.find('?'), target.size());
  request_.method = line.substr(0, method_end);
  request_.path = target.substr(0, question);
  request_.query = target.substr(std::min(question + 1, target.size()));
  if (request_.path.empty()) request_.path = "/";
  return true;
}

bool HttpParser::ReadHeader(std::string_view line) {
  const size_t colon = line.find(':');
  // A line that begins with a space folds the one before it: no name, hence refused as well.
  if (colon == std::string_view::npos || !IsToken(line.substr(0, colon)))
    return Fail(400, "a header without a name");
  const std::string_view value = Trimmed(line.substr(colon + 1));
  const auto is_control = [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == '\x7f'; };
  if (std::any_of(value.begin(), value.end(), is_control))
    return Fail(400, "a header with a control character");
  if (request_.headers.size() >= options_.max_headers) return Fail(431, "too many headers");
  request_.headers.emplace_back(Lower(line.substr(0, colon)), value);
  return true;
}

// How long the body is, and what becomes of the connection behind it.
bool HttpParser::ReadFraming() {
  size_t lengths = 0, encodings = 0, hosts = 0;
  for (const auto& [name, value] : request_.headers) {
    lengths += name == "content-length";
    encodings += name == "transfer-encoding";
    hosts += name == "host";
  }
  if (hosts > 1 || (hosts == 0 && minor_version_ == 1)) return Fail(400, "not one header Host");
  if (lengths > 1 || encodings > 1 || (lengths > 0 && encodings > 0))
    return Fail(400, "more than one length of the body");
  if (encodings > 0) {
    if (minor_version_ == 0) return Fail(400, "chunks in HTTP/1.0");
    chunked_ = Lower(request_.Header("transfer-encoding")) == "chunked";
    if (!chunked_) return Fail(501, "no other Transfer-Encoding than chunked is known here");
  }
  if (lengths > 0 && !ReadNumber(request_.Header("content-length"), 10, &left_))
    return Fail(400, "no number as the length of the body");
  if (left_ > options_.max_body_bytes) return Fail(413, "the body is too long");
  const std::string_view connection = request_.Header("connection");
  request_.keep_alive = minor_version_ == 1 ? !Names(connection, "close") : Names(connection, "keep-alive");
  const std::string expects = Lower(request_.Header("expect"));
  if (!expects.empty() && expects != "100-continue") return Fail(417, "no other Expect than 100-continue");
  request_.awaits_continue = !expects.empty() && minor_version_ == 1 && (chunked_ || left_ > 0);
  return true;
}

bool HttpParser::ReadEncoding() {
  const std::string encoding = Lower(request_.Header("content-encoding"));
  if (encoding.empty() || encoding == "identity") return true;
  if (encoding != "gzip" && encoding != "x-gzip" && encoding != "deflate")
    return Fail(415, "no other Content-Encoding than gzip and deflate is known here");
  inflater_ = std::make_unique<Inflater>();
  return true;
}

// ---- the body

HttpParser::Step HttpParser::FeedBody(std::string_view* bytes) {
  for (;;) {
    switch (state_) {
      case State::kBody:
      case State::kChunk: {
        const std::string_view part = bytes->substr(0, left_);
        bytes->remove_prefix(part.size());
        left_ -= part.size();
        if (!Deliver(part)) return Step::kFailed;
        if (left_ > 0) return Step::kMore;
        if (state_ == State::kBody) return End();
        state_ = State::kChunkEnd;
        break;
      }
      case State::kChunkSize:
        if (!ReadLine(bytes)) return state_ == State::kFailed ? Step::kFailed : Step::kMore;
        if (!ReadChunkSize()) return Step::kFailed;
        break;
      case State::kChunkEnd:
        if (!ReadLine(bytes)) return state_ == State::kFailed ? Step::kFailed : Step::kMore;
        if (!line_.empty()) return FailStep(400, "a chunk that is longer than it says");
        state_ = State::kChunkSize;
        break;
      case State::kTrailer:
        if (!ReadLine(bytes)) return state_ == State::kFailed ? Step::kFailed : Step::kMore;
        if (line_.empty()) return End();
        trailer_bytes_ += line_.size();
        if (trailer_bytes_ > kMaxTrailerBytes) return FailStep(431, "the trailer is too long");
        line_.clear();
        break;
      case State::kDone:
        return Step::kDone;
      default:
        return Step::kFailed;
    }
  }
}

// A line up to its CRLF, which is taken and not kept. False when its end has not come, and after Fail.
bool HttpParser::ReadLine(std::string_view* bytes) {
  const size_t lf = bytes->find('\n');
  const std::string_view part = bytes->substr(0, lf);
  if (line_.size() + part.size() > kMaxLine) return Fail(400, "a line of the chunks is too long");
  line_.append(part);
  bytes->remove_prefix(lf == std::string_view::npos ? bytes->size() : lf + 1);
  if (lf == std::string_view::npos) return false;
  if (line_.empty() || line_.back() != '\r') return Fail(400, "a line of the chunks without its CRLF");
  line_.pop_back();
  return true;
}

bool HttpParser::ReadChunkSize() {
  const std::string_view size = Trimmed(std::string_view(line_).substr(0, line_.find(';')));
  if (!ReadNumber(size, 16, &left_)) return Fail(400, "no size of a chunk");
  if (left_ > options_.max_body_bytes - body_bytes_) return Fail(413, "the body is too long");
  line_.clear();
  state_ = left_ == 0 ? State::kTrailer : State::kChunk;
  return true;
}

bool HttpParser::Deliver(std::string_view part) {
  body_bytes_ += part.size();
  if (discards_ || part.empty()) return true;
  if (inflater_ == nullptr) {
    request_.body.append(part);
    return true;
  }
  switch (inflater_->Append(part, options_.max_unpacked_bytes, &request_.body)) {
    case Inflater::Result::kOk:
      return true;
    case Inflater::Result::kBroken:
      return Fail(400, "the body is not packed as Content-Encoding says");
    case Inflater::Result::kTooLong:
      return Fail(413, "the body is too long once unpacked");
  }
  return false;
}

HttpParser::Step HttpParser::End() {
  if (!discards_ && inflater_ != nullptr && body_bytes_ > 0 && !inflater_->complete())
    return FailStep(400, "the packed body was cut short");
  state_ = State::kDone;
  return Step::kDone;
}

}  // namespace redthread
