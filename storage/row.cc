#include "storage/row.h"

#include <xxhash.h>

#include "storage/key.h"

namespace redthread {

namespace {

constexpr size_t kChecksumBytes = 8;

uint64_t LoadLittleEndian(const char* p) {
  uint64_t v = 0;
  for (int i = 7; i >= 0; --i) v = v << 8 | static_cast<uint8_t>(p[i]);
  return v;
}

}  // namespace

uint64_t Checksum(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

uint64_t RowChecksum(std::string_view key, std::string_view bytes) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), Checksum(key));
}

RowWriter& RowWriter::U8(uint8_t v) {
  row_.push_back(static_cast<char>(v));
  return *this;
}

size_t VarintSize(uint64_t v) {
  size_t size = 1;
  for (; v >= 0x80; v >>= 7) ++size;
  return size;
}

RowWriter& RowWriter::Varint(uint64_t v) {
  char bytes[10];
  size_t n = 0;
  for (; v >= 0x80; v >>= 7) bytes[n++] = static_cast<char>(v | 0x80);
  bytes[n++] = static_cast<char>(v);
  row_.append(bytes, n);
  return *this;
}

RowWriter& RowWriter::Fixed64(uint64_t v) {
  char bytes[8];
  for (int i = 0; i < 8; ++i, v >>= 8) bytes[i] = static_cast<char>(v);
  row_.append(bytes, sizeof bytes);
  return *this;
}

RowWriter& RowWriter::Time(Timestamp t) { return Fixed64(static_cast<uint64_t>(t.ns)); }

RowWriter& RowWriter::OptionalTime(const std::optional<Timestamp>& t) {
  U8(t.has_value());
  return t ? Time(*t) : *this;
}

RowWriter& RowWriter::Bytes(std::string_view v) {
  Varint(v.size());
  row_.append(v);
  return *this;
}

RowWriter& RowWriter::Append(std::string_view v) {
  row_.append(v);
  return *this;
}

const std::string& RowWriter::Finish(std::string_view key) {
  Fixed64(RowChecksum(key, row_));
  return row_;
}

bool RowReader::Take(size_t n, const char** p) {
  if (!good_ || rest_.size() < n) return good_ = false;
  *p = rest_.data();
  rest_.remove_prefix(n);
  return true;
}

bool RowReader::U8(uint8_t* v) {
  const char* p;
  if (!Take(1, &p)) return false;
  *v = static_cast<uint8_t>(*p);
  return true;
}

bool RowReader::Flag(bool* v) {
  uint8_t read;
  if (!U8(&read)) return false;
  if (read > 1) return good_ = false;
  *v = read == 1;
  return true;
}

bool RowReader::Varint(uint64_t* v) {
  uint64_t read = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    uint8_t byte;
    if (!U8(&byte)) return false;
    if (shift == 63 && byte > 1) return good_ = false;
    read |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) {
      *v = read;
      return true;
    }
  }
  return good_ = false;
}

bool RowReader::Varint32(uint32_t* v) {
  uint64_t read;
  if (!Varint(&read)) return false;
  if (read > 0xffffffffu) return good_ = false;
  *v = static_cast<uint32_t>(read);
  return true;
}

bool RowReader::Fixed64(uint64_t* v) {
  const char* p;
  if (!Take(8, &p)) return false;
  *v = LoadLittleEndian(p);
  return true;
}

bool RowReader::Time(Timestamp* t) {
  uint64_t read;
  if (!Fixed64(&read)) return false;
  t->ns = static_cast<int64_t>(read);
  return true;
}

bool RowReader::OptionalTime(std::optional<Timestamp>* t) {
  bool there;
  if (!Flag(&there)) return false;
  if (!there) {
    t->reset();
    return true;
  }
  Timestamp read;
  if (!Time(&read)) return false;
  *t = read;
  return true;
}

bool RowReader::Bytes(std::string_view* v) {
  uint64_t size;
  if (!Varint(&size)) return false;
  const char* p;
  if (!Take(size, &p)) return false;
  *v = {p, static_cast<size_t>(size)};
  return true;
}

bool RowReader::Bytes(std::string* v) {
  std::string_view read;
  if (!Bytes(&read)) return false;
  v->assign(read);
  return true;
}

Status DamagedRow(const char* what, std::string_view key, const char* why) {
  return Status::Corrupt(std::string(what) + " row " + KeyText(key) + " is damaged: " + why);
}

Result<std::string_view> OpenRow(const char* what, std::string_view key, std::string_view value,
                                 uint8_t version) {
  if (value.size() < 1 + kChecksumBytes) return DamagedRow(what, key, "it is cut short");
  const std::string_view body = value.substr(0, value.size() - kChecksumBytes);
  if (LoadLittleEndian(body.data() + body.size()) != RowChecksum(key, body)) {
    return DamagedRow(what, key, "its checksum does not match");
  }
  if (static_cast<uint8_t>(body.front()) != version) {
    return DamagedRow(what, key, "a newer version of redthread wrote it");
  }
  return body.substr(1);
}

}  // namespace redthread
