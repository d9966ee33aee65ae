// EvtxChunk: one chunk of an event log file, and the records in it.
//
// A chunk is 64 KiB: a header of 512 bytes, then records one behind the other, up to the offset of the free
// space. A record: "**\0\0", its size (4), id (8), time (8), BinXML, its size again (4). All that a record
// refers to stands in its own chunk.
//
// Where a record does not hold together, the next one is looked for by its mark, its size and the repetition
// of that size, so that one broken record costs itself alone.
//
// Source: the description of the format by the libevtx project.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace redthread {

class EvtxChunk {
 public:
  static constexpr size_t kSize = 64 << 10;
  static constexpr size_t kHeaderSize = 512;

  // What lies between two records, or is one.
  struct Part {
    size_t begin = 0;
    size_t end = 0;
    bool is_record = false;  // else what cannot be read as one
    uint64_t id = 0;         // of a record
    size_t xml_begin() const { return begin + 24; }
    size_t xml_end() const { return end - 4; }
  };

  // `bytes`: kSize, or fewer where the file ends. They outlive the chunk.
  explicit EvtxChunk(std::string_view bytes);

  // Nothing but zeros: space that was reserved and not used yet.
  bool IsUnused() const;
  // What is wrong with the chunk as a whole, its records aside; null when nothing is.
  const char* Damage() const;

  uint64_t first_record_id() const { return first_record_id_; }

  // The next record, or what cannot be read as one. False at the end.
  bool Next(Part* part);

 private:
  bool HasMark(size_t at) const;
  bool IsRecord(size_t at, Part* part) const;
  size_t FindRecord(size_t from) const;

  const std::string_view bytes_;
  bool has_header_ = false;
  uint64_t first_record_id_ = 0;
  uint64_t last_id_ = 0;  // of the records that were given
  size_t free_space_ = 0;
  size_t at_ = kHeaderSize;
};

}  // namespace redthread
