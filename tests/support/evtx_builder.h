// EvtxBuilder: event log files written byte by byte, for tests and benchmarks, with everything a real one
// has: templates that stand in the record that first uses them, names that do too, checksums.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace redthread {

inline std::string LittleEndian(uint64_t number, size_t size) {
  std::string bytes;
  for (size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>(number >> (8 * i)));
  return bytes;
}

// ASCII as UTF-16.
inline std::string Utf16(std::string_view text) {
  std::string bytes;
  for (const char c : text) bytes.append({c, '\0'});
  return bytes;
}

struct EvtxElement;

// What stands in an element or attribute: a text, the place of a value, or an element.
struct EvtxPart {
  EvtxPart(const char* literal) : text(literal) {}  // NOLINT(google-explicit-constructor)
  EvtxPart(int number) : value(number) {}           // NOLINT(google-explicit-constructor)
  EvtxPart(EvtxElement child);                      // NOLINT(google-explicit-constructor)
  std::string text;
  int value = -1;
  std::shared_ptr<EvtxElement> element;
};

struct EvtxElement {
  std::string name;
  std::vector<std::pair<std::string, EvtxPart>> attributes;
  std::vector<EvtxPart> content;
};

inline EvtxPart::EvtxPart(EvtxElement child) : element(std::make_shared<EvtxElement>(std::move(child))) {}

// A value of a template's instance; with `nested` a BinXML fragment, an instance of another template.
struct EvtxValue {
  uint8_t type = 0;
  std::string bytes;
  const EvtxElement* nested = nullptr;
  std::vector<EvtxValue> nested_values;
};

inline EvtxValue TextValue(std::string_view text) { return {0x01, Utf16(text), nullptr, {}}; }
inline EvtxValue NumberValue(uint8_t type, uint64_t number, size_t size) {
  return {type, LittleEndian(number, size), nullptr, {}};
}

class EvtxChunkBuilder {
 public:
  static constexpr size_t kSize = 64 << 10;

  EvtxChunkBuilder() : bytes_(512, '\0') {}

  // A record that is an instance of that template. The template's address tells it apart within the chunk.
  void AddRecord(uint64_t id, const EvtxElement& template_, const std::vector<EvtxValue>& values) {
    BeginRecord(id);
    Fragment(template_, values);
    EndRecord();
  }
  // A record with these bytes for BinXML, which begin at next_xml().
  void AddRawRecord(uint64_t id, const std::string& xml) {
    BeginRecord(id);
    bytes_ += xml;
    EndRecord();
  }
  size_t next_xml() const { return bytes_.size() + 24; }
  size_t size() const { return bytes_.size(); }
  const std::vector<size_t>& records() const { return records_; }

  // The chunk as it is written. Records may follow in it all the same.
  std::string Finish() const {
    std::string chunk = bytes_;
    chunk.resize(kSize, '\0');
    Put("ElfChnk", 0, &chunk);
    for (const size_t at : {8, 24}) Put(LittleEndian(first_id_, 8), at, &chunk);
    for (const size_t at : {16, 32}) Put(LittleEndian(last_id_, 8), at, &chunk);
    Put(LittleEndian(128, 4), 40, &chunk);
    Put(LittleEndian(records_.empty() ? 0 : records_.back(), 4), 44, &chunk);
    Put(LittleEndian(bytes_.size(), 4), 48, &chunk);
    Checksum(&chunk);
    return chunk;
  }
  // Brings the checksums in line with what the chunk holds.
  static void Checksum(std::string* chunk) {
    const auto* bytes = reinterpret_cast<const Bytef*>(chunk->data());
    const size_t free_space = static_cast<unsigned char>((*chunk)[48]) +
                              (static_cast<size_t>(static_cast<unsigned char>((*chunk)[49])) << 8);
    Put(LittleEndian(crc32(0, bytes + 512, static_cast<uInt>(free_space - 512)), 4), 52, chunk);
    Put(LittleEndian(crc32(crc32(0, bytes, 120), bytes + 128, 384), 4), 124, chunk);
  }
  static void Put(const std::string& part, size_t at, std::string* bytes) {
    bytes->replace(at, part.size(), part);
  }

 private:
  void BeginRecord(uint64_t id) {
    records_.push_back(bytes_.size());
    if (first_id_ == 0) first_id_ = id;
    last_id_ = id;
    bytes_ += std::string("**\0\0", 4) + LittleEndian(0, 4) + LittleEndian(id, 8) +
              LittleEndian(133'000'000'000'000'000 + id, 8);
  }
  void EndRecord() {
    while (bytes_.size() % 8 != 4) bytes_.push_back('\0');
    const size_t begin = records_.back();
    const std::string size = LittleEndian(bytes_.size() + 4 - begin, 4);
    bytes_ += size;
    Put(size, begin + 4, &bytes_);
  }

  void Number(uint64_t number, size_t size) { bytes_ += LittleEndian(number, size); }

  void Fragment(const EvtxElement& template_, const std::vector<EvtxValue>& values) {
    bytes_ += std::string("\x0f\x01\x01\x00", 4);
    Number(0x0C, 1);
    Number(1, 1);
    Number(0x1234, 4);
    Definition(template_);
    Number(values.size(), 4);
    const size_t descriptions = bytes_.size();
    bytes_.append(4 * values.size(), '\0');
    for (size_t i = 0; i < values.size(); ++i) {
      const size_t begin = bytes_.size();
      if (values[i].nested != nullptr) {
        Fragment(*values[i].nested, values[i].nested_values);
      } else {
        bytes_ += values[i].bytes;
      }
      const uint8_t type = values[i].nested != nullptr ? 0x21 : values[i].type;
      Put(LittleEndian(bytes_.size() - begin, 2) + LittleEndian(type, 2), descriptions + 4 * i, &bytes_);
    }
    Number(0, 1);
  }

  void Definition(const EvtxElement& template_) {
    const auto [known, is_new] = templates_.try_emplace(&template_, bytes_.size() + 4);
    Number(known->second, 4);
    if (!is_new) return;
    Number(0, 4);
    bytes_.append(16, '\x11');
    const size_t size_at = bytes_.size();
    Number(0, 4);
    bytes_ += std::string("\x0f\x01\x01\x00", 4);
    Element(template_);
    Number(0, 1);
    Put(LittleEndian(bytes_.size() - size_at - 4, 4), size_at, &bytes_);
  }

  void Name(const std::string& name) {
    const auto [known, is_new] = names_.try_emplace(name, bytes_.size() + 4);
    Number(known->second, 4);
    if (!is_new) return;
    Number(0, 4);
    Number(0xBEEF, 2);
    Number(name.size(), 2);
    bytes_ += Utf16(name) + std::string(2, '\0');
  }

  void Part(const EvtxPart& part) {
    if (part.element != nullptr) return Element(*part.element);
    if (part.value >= 0) {
      Number(0x0E, 1);
      Number(static_cast<uint64_t>(part.value), 2);
      return Number(0, 1);
    }
    Number(0x05, 1);
    Number(0x01, 1);
    Number(part.text.size(), 2);
    bytes_ += Utf16(part.text);
  }

  void Element(const EvtxElement& element) {
    Number(element.attributes.empty() ? 0x01 : 0x41, 1);
    Number(0xFFFF, 2);
    Number(0, 4);
    Name(element.name);
    if (!element.attributes.empty()) Number(0, 4);
    for (size_t i = 0; i < element.attributes.size(); ++i) {
      Number(i + 1 < element.attributes.size() ? 0x46 : 0x06, 1);
      Name(element.attributes[i].first);
      Part(element.attributes[i].second);
    }
    if (element.content.empty()) return Number(0x03, 1);
    Number(0x02, 1);
    for (const EvtxPart& part : element.content) Part(part);
    Number(0x04, 1);
  }

  std::string bytes_;
  std::map<std::string, size_t> names_;
  std::map<const EvtxElement*, size_t> templates_;
  std::vector<size_t> records_;
  uint64_t first_id_ = 0;
  uint64_t last_id_ = 0;
};

// A file of finished chunks. `dirty`: as it lies on the disk of a host that writes to it.
inline std::string EvtxFile(const std::vector<std::string>& chunks, bool dirty = false) {
  std::string file("ElfFile\0", 8);
  file +=
      LittleEndian(0, 8) + LittleEndian(chunks.empty() ? 0 : chunks.size() - 1, 8) + LittleEndian(1000, 8);
  file += LittleEndian(128, 4) + LittleEndian(2, 2) + LittleEndian(3, 2) + LittleEndian(4096, 2);
  file += LittleEndian(chunks.size(), 2);
  file.resize(4096, '\0');
  file[120] = dirty ? 1 : 0;
  const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(file.data()), 120);
  EvtxChunkBuilder::Put(LittleEndian(crc, 4), 124, &file);
  for (const std::string& chunk : chunks) file += chunk;
  return file;
}

// The start of a process, as Windows logs it.
inline const EvtxElement& ProcessTemplate() {
  static const EvtxElement event{
      "Event",
      {{"xmlns", "http://schemas.microsoft.com/win/2004/08/events/event"}},
      {EvtxElement{
           "System",
           {},
           {EvtxElement{"Provider", {{"Name", "Microsoft-Windows-Security-Auditing"}, {"Guid", 0}}, {}},
            EvtxElement{"EventID", {}, {1}}, EvtxElement{"Version", {}, {2}},
            EvtxElement{"Keywords", {}, {3}}, EvtxElement{"TimeCreated", {{"SystemTime", 4}}, {}},
            EvtxElement{"EventRecordID", {}, {5}}, EvtxElement{"Correlation", {{"ActivityID", 6}}, {}},
            EvtxElement{"Channel", {}, {"Security"}}, EvtxElement{"Computer", {}, {"dc1.example"}},
            EvtxElement{"Security", {{"UserID", 7}}, {}}}},
       EvtxElement{"EventData",
                   {},
                   {EvtxElement{"Data", {{"Name", "NewProcessName"}}, {8}},
                    EvtxElement{"Data", {{"Name", "CommandLine"}}, {9}},
                    EvtxElement{"Data", {{"Name", "NewProcessId"}}, {10}}}}}};
  return event;
}

inline std::vector<EvtxValue> ProcessValues(uint64_t id, const std::string& command_line) {
  const std::string guid("\x25\x96\x84\x54\x78\x54\x94\x49\xA5\xBA\x3E\x3B\x03\x28\xC3\x0D", 16);
  const std::string system_sid = std::string("\x01\x01\0\0\0\0\0\x05", 8) + LittleEndian(18, 4);
  return {
      {0x0F, guid, nullptr, {}},
      NumberValue(0x06, 4688, 2),
      NumberValue(0x04, 2, 1),
      NumberValue(0x15, 0x8020000000000000, 8),
      NumberValue(0x11, 133'774'848'000'000'000 + id * 10'000'000, 8),  // 2024-12-01T00:00:00Z and id seconds
      NumberValue(0x0A, id, 8),
      {0x00, "", nullptr, {}},
      {0x13, system_sid, nullptr, {}},
      TextValue("C:\\Windows\\System32\\cmd.exe"),
      TextValue(command_line),
      NumberValue(0x14, 0x1f40 + id, 4)};
}

}  // namespace redthread
