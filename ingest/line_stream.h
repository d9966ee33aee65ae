// Line streams: a file's bytes as lines, whatever the file is.
//
// A log of text is what it is. A Windows event log, binary, becomes lines of JSON (evtx_stream.h); an XML
// export of one, which has its events in one document, becomes an event a line (xml_export_stream.h), and so
// does a table of Microsoft 365's audit log (audit_export_stream.h); a binary file of systemd's journal an
// entry a line (journal_stream.h). Which of these a file is, its first bytes say.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/status.h"
#include "ingest/byte_stream.h"

namespace redthread {

struct LineStream {
  std::unique_ptr<ByteStream> bytes;
  // The lines are not those of the file: it is to be read from its beginning, once it is whole, and offsets
  // are those in the lines.
  bool converted = false;
};

// Whether a file that begins like this is converted. The first 512 bytes tell.
bool IsConverted(std::string_view beginning);

// Fails as ByteStream::Open does.
Result<LineStream> OpenLines(const std::string& path);

// The same, of bytes that have been opened.
LineStream LinesOf(std::unique_ptr<ByteStream> bytes);

}  // namespace redthread
