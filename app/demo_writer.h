// DemoWriter: the files of the sample logs, one for each source, each in the order of time.
//
// The story and the routine of the firm are told in whatever order is easiest; a line waits here until its
// day is over, and a day is sorted as a whole. So memory holds one day, never the month.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "core/timestamp.h"

namespace redthread {

// Builds one JSON object, member by member.
class JsonLine {
 public:
  JsonLine& Text(std::string_view key, std::string_view value);
  JsonLine& Number(std::string_view key, int64_t value);
  // `json` is a whole JSON value.
  JsonLine& Json(std::string_view key, std::string_view json);
  // The object as text, without a line end.
  std::string Finish() const { return text_ + "}"; }

 private:
  void Key(std::string_view key);
  std::string text_ = "{";
};

enum class DemoSource : uint8_t {
  kFirewall,
  kWebAccess,
  kWebServer,
  kDomainController,
  kFileServer,
  kWorkstations,
  kMicrosoft365Audit,
  kMicrosoft365SignIns,
};
inline constexpr size_t kDemoSources = 8;
// "fw01-fortigate.ndjson"
const char* DemoFileName(DemoSource source);

class DemoWriter {
 public:
  // Creates the folder where it is missing, and the files in it anew. kIo when that does not work.
  Status Open(const std::string& folder);
  void Add(DemoSource source, Timestamp time, const JsonLine& line);
  // Writes what lies before `time`; later lines wait. kIo when the disk does not take them.
  Status FlushBefore(Timestamp time);
  // Writes what is left and closes the files.
  Status Close();

  uint64_t lines(DemoSource source) const { return files_[static_cast<size_t>(source)].lines; }
  uint64_t bytes(DemoSource source) const { return files_[static_cast<size_t>(source)].bytes; }

 private:
  struct Line {
    Timestamp time;
    std::string text;
  };
  struct FileCloser {
    void operator()(std::FILE* f) const { std::fclose(f); }
  };
  struct File {
    std::unique_ptr<std::FILE, FileCloser> stream;
    std::string path;
    std::vector<Line> waiting;
    uint64_t lines = 0;
    uint64_t bytes = 0;
  };
  std::array<File, kDemoSources> files_;
};

}  // namespace redthread
