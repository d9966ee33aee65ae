// EvtxStream: a Windows event log file (.evtx) as lines of JSON, one a record, in the order of the file.
//
// So all that reads lines reads event logs: positions, batches, limits and dead letters are the same. What
// cannot be read becomes a line too, which is no JSON and says what is wrong, where, and what text stands
// there:
//
//   unreadable event log: byte 70144, chunk 1: <why>; text: <readable text, if any>
//
// The decoder makes a dead letter of it; it has an index of its own like any record.
//
// A file: a header of 4 KiB, then chunks (evtx_chunk.h). All chunks that are there are read, whatever the
// header says of their number: that of a log in use is old.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "ingest/binxml_reader.h"
#include "ingest/byte_stream.h"
#include "ingest/evtx_chunk.h"
#include "ingest/xml_tree.h"

namespace redthread {

// One per thread.
class EvtxStream final : public ByteStream {
 public:
  static constexpr std::string_view kMagic{"ElfFile\0", 8};
  // What the lines of unreadable parts begin with.
  static constexpr std::string_view kUnreadable = "unreadable event log: ";
  // Of the JSON of one record, and of all records of a chunk: templates can make much of little. A real chunk
  // gives some 200 KB.
  static constexpr size_t kMaxRecordJson = 1 << 20;
  static constexpr size_t kMaxChunkJson = 16 << 20;

  // Whether a file that begins like this is an event log.
  static bool Detect(std::string_view beginning) { return beginning.starts_with(kMagic); }

  explicit EvtxStream(std::unique_ptr<ByteStream> from);

  // The next lines. Fails as the stream it reads from does, after all that could be read before.
  Result<size_t> Read(char* out, size_t size) override;
  bool compressed() const override { return from_->compressed(); }

 private:
  // The file's header, then one chunk a call.
  Status Fill();
  Status ReadBlock(size_t size);
  void ReadHeader();
  void ReadChunk();
  void CheckChunk(const EvtxChunk& chunk);
  void Finish();
  void AddRecord(const EvtxChunk::Part& part);
  void Complain(uint64_t byte, const char* why, std::string_view bytes);
  void AddText(std::string_view bytes);

  std::unique_ptr<ByteStream> from_;
  std::string block_;         // the header or chunk at hand
  uint64_t block_begin_ = 0;  // where in the file it stands
  bool in_header_ = true;
  bool at_end_ = false;
  Status failure_;

  bool dirty_ = false;          // the log was open when the file was copied
  uint64_t header_chunks_ = 0;  // what the header says
  uint64_t chunks_ = 0;
  // Of a dirty log: a chunk whose checksum does not match, unless it was being written.
  const char* doubtful_ = nullptr;
  uint64_t doubtful_begin_ = 0;
  uint64_t doubtful_id_ = 0;

  BinXmlReader reader_;
  XmlTree tree_;
  size_t chunk_json_ = 0;
  std::string lines_;  // from taken_ on not yet given out
  size_t taken_ = 0;
};

}  // namespace redthread
