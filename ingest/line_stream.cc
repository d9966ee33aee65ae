#include "ingest/line_stream.h"

#include <algorithm>
#include <cstring>

#include "ingest/audit_export_stream.h"
#include "ingest/evtx_stream.h"
#include "ingest/journal_stream.h"
#include "ingest/utf8_stream.h"
#include "ingest/xml_export_stream.h"

namespace redthread {

namespace {

// A stream of which the beginning has been read already.
class BegunStream final : public ByteStream {
 public:
  explicit BegunStream(std::unique_ptr<ByteStream> from) : from_(std::move(from)) {}

  // Reads up to that many bytes ahead, fewer where the input ends. What fails is told by the Read that comes
  // to it.
  void LookAhead(size_t size) {
    size_t used = ahead_.size();
    ahead_.resize(size);
    while (used < size && failure_.ok()) {
      const Result<size_t> n = from_->Read(ahead_.data() + used, size - used);
      failure_ = n.status();
      if (!n.ok() || *n == 0) break;
      used += *n;
    }
    ahead_.resize(used);
  }
  std::string_view ahead() const { return ahead_; }

  Result<size_t> Read(char* out, size_t size) override {
    if (taken_ < ahead_.size()) {
      const size_t n = std::min(size, ahead_.size() - taken_);
      std::memcpy(out, ahead_.data() + taken_, n);
      taken_ += n;
      return n;
    }
    if (!failure_.ok()) return failure_;
    return from_->Read(out, size);
  }
  bool compressed() const override { return from_->compressed(); }

 private:
  std::unique_ptr<ByteStream> from_;
  std::string ahead_;
  size_t taken_ = 0;
  Status failure_;
};

}  // namespace

bool IsConverted(std::string_view beginning) {
  return EvtxStream::Detect(beginning) || JournalStream::Detect(beginning) ||
         XmlExportStream::Detect(beginning.substr(0, XmlExportStream::kDetectBytes)) ||
         AuditExportStream::Detect(beginning.substr(0, AuditExportStream::kDetectBytes));
}

LineStream LinesOf(std::unique_ptr<ByteStream> bytes) {
  auto begun = std::make_unique<BegunStream>(std::move(bytes));
  begun->LookAhead(EvtxStream::kMagic.size());
  // Only what may be a document of XML or a table is looked into further: a pipe may have no more for a
  // while.
  static_assert(XmlExportStream::kDetectBytes == AuditExportStream::kDetectBytes);
  if (XmlExportStream::MayDetect(begun->ahead()) || AuditExportStream::MayDetect(begun->ahead()))
    begun->LookAhead(XmlExportStream::kDetectBytes);
  LineStream lines;
  if (EvtxStream::Detect(begun->ahead())) {
    lines.bytes = std::make_unique<EvtxStream>(std::move(begun));
    lines.converted = true;
  } else if (XmlExportStream::Detect(begun->ahead())) {
    lines.bytes = std::make_unique<XmlExportStream>(std::make_unique<Utf8Stream>(std::move(begun)));
    lines.converted = true;
  } else if (AuditExportStream::Detect(begun->ahead())) {
    lines.bytes = std::make_unique<AuditExportStream>(std::make_unique<Utf8Stream>(std::move(begun)));
    lines.converted = true;
  } else {
    lines.bytes = std::move(begun);
  }
  return lines;
}

Result<LineStream> OpenLines(const std::string& path) {
  Result<std::unique_ptr<ByteStream>> stream = ByteStream::Open(path);
  if (!stream.ok()) return stream.status();
  auto begun = std::make_unique<BegunStream>(std::move(stream).value());
  begun->LookAhead(JournalStream::kMagic.size());
  // Its reader opens the file itself: what was compressed, or comes through a pipe, it cannot read.
  if (!JournalStream::Detect(begun->ahead()) || begun->compressed() || path == "-")
    return LinesOf(std::move(begun));
  Result<std::unique_ptr<ByteStream>> journal = JournalStream::Open(path);
  if (!journal.ok()) return journal.status();
  return LineStream{std::move(journal).value(), true};
}

}  // namespace redthread
