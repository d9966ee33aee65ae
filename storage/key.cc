#include "storage/key.h"

namespace redthread {

namespace {

void AppendBigEndian(uint64_t v, int bytes, std::string* out) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out->push_back(static_cast<char>(v >> shift));
  }
}

constexpr char kEscape = '\x00';
constexpr char kEscapedNul = '\xff';
constexpr char kStringEnd = '\x01';

}  // namespace

KeyWriter& KeyWriter::U8(uint8_t v) {
  key_.push_back(static_cast<char>(v));
  return *this;
}

KeyWriter& KeyWriter::U32(uint32_t v) {
  AppendBigEndian(v, 4, &key_);
  return *this;
}

KeyWriter& KeyWriter::U64(uint64_t v) {
  AppendBigEndian(v, 8, &key_);
  return *this;
}

KeyWriter& KeyWriter::Time(Timestamp t) { return U64(OrderedTime(t)); }

KeyWriter& KeyWriter::String(std::string_view text) {
  AppendKeyString(text, &key_);
  return *this;
}

void AppendKeyString(std::string_view text, std::string* key) {
  for (char c : text) {
    key->push_back(c);
    if (c == kEscape) key->push_back(kEscapedNul);
  }
  key->push_back(kEscape);
  key->push_back(kStringEnd);
}

bool KeyReader::BigEndian(size_t bytes, uint64_t* v) {
  if (rest_.size() < bytes) return false;
  uint64_t read = 0;
  for (size_t i = 0; i < bytes; ++i) read = read << 8 | static_cast<uint8_t>(rest_[i]);
  rest_.remove_prefix(bytes);
  *v = read;
  return true;
}

bool KeyReader::Kind(char kind) {
  if (rest_.empty() || rest_.front() != kind) return false;
  rest_.remove_prefix(1);
  return true;
}

bool KeyReader::U8(uint8_t* v) {
  uint64_t read;
  if (!BigEndian(1, &read)) return false;
  *v = static_cast<uint8_t>(read);
  return true;
}

bool KeyReader::U32(uint32_t* v) {
  uint64_t read;
  if (!BigEndian(4, &read)) return false;
  *v = static_cast<uint32_t>(read);
  return true;
}

bool KeyReader::U64(uint64_t* v) { return BigEndian(8, v); }

bool KeyReader::Time(Timestamp* t) {
  uint64_t read;
  if (!BigEndian(8, &read)) return false;
  *t = TimeOfOrdered(read);
  return true;
}

bool KeyReader::String(std::string* text) {
  std::string read;
  for (size_t i = 0; i < rest_.size(); ++i) {
    if (rest_[i] != kEscape) {
      read.push_back(rest_[i]);
      continue;
    }
    if (++i == rest_.size()) return false;
    if (rest_[i] == kStringEnd) {
      rest_.remove_prefix(i + 1);
      *text = std::move(read);
      return true;
    }
    if (rest_[i] != kEscapedNul) return false;
    read.push_back(kEscape);
  }
  return false;
}

std::string PrefixEnd(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<uint8_t>(end.back()) + 1);
  return end;
}

std::string KeyAfter(std::string_view key) {
  std::string after(key);
  after.push_back('\0');
  return after;
}

std::string KeyText(std::string_view key) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (char c : key) {
    const auto b = static_cast<uint8_t>(c);
    if (b >= 0x20 && b < 0x7f && b != '\\') {
      text.push_back(c);
    } else {
      text.append("\\x").append(1, kHex[b >> 4]).append(1, kHex[b & 15]);
    }
  }
  return text;
}

}  // namespace redthread
