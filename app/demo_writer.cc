#include "app/demo_writer.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <system_error>

#include "core/text.h"

namespace redthread {

void JsonLine::Key(std::string_view key) {
  if (text_.size() > 1) text_.push_back(',');
  AppendJsonString(key, &text_);
  text_.push_back(':');
}

JsonLine& JsonLine::Text(std::string_view key, std::string_view value) {
  Key(key);
  AppendJsonString(value, &text_);
  return *this;
}

JsonLine& JsonLine::Number(std::string_view key, int64_t value) {
  Key(key);
  text_ += std::to_string(value);
  return *this;
}

JsonLine& JsonLine::Json(std::string_view key, std::string_view json) {
  Key(key);
  text_ += json;
  return *this;
}

const char* DemoFileName(DemoSource source) {
  static constexpr const char* kNames[kDemoSources] = {
      "fw01-fortigate.ndjson", "web01-access.ndjson",         "web01-syslog.ndjson", "dc01-windows.ndjson",
      "fs01-windows.ndjson",   "workstations-windows.ndjson", "m365-audit.ndjson",   "m365-signins.ndjson"};
  return kNames[static_cast<size_t>(source)];
}

Status DemoWriter::Open(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return Status::Io(folder + ": cannot create the folder: " + error.message());
  for (size_t i = 0; i < kDemoSources; ++i) {
    files_[i] = File();
    files_[i].path = folder + "/" + DemoFileName(static_cast<DemoSource>(i));
    files_[i].stream.reset(std::fopen(files_[i].path.c_str(), "wb"));
    if (!files_[i].stream) return Status::Io(files_[i].path + ": " + std::strerror(errno));
  }
  return Status::Ok();
}

void DemoWriter::Add(DemoSource source, Timestamp time, const JsonLine& line) {
  files_[static_cast<size_t>(source)].waiting.push_back({time, line.Finish()});
}

Status DemoWriter::FlushBefore(Timestamp time) {
  for (File& file : files_) {
    auto later = std::stable_partition(file.waiting.begin(), file.waiting.end(),
                                       [time](const Line& line) { return line.time < time; });
    // Stable, so that lines of one moment keep the order in which they were told.
    std::stable_sort(file.waiting.begin(), later,
                     [](const Line& a, const Line& b) { return a.time < b.time; });
    for (auto line = file.waiting.begin(); line != later; ++line) {
      line->text.push_back('\n');
      if (std::fwrite(line->text.data(), 1, line->text.size(), file.stream.get()) != line->text.size()) {
        return Status::Io(file.path + ": " + std::strerror(errno));
      }
      file.bytes += line->text.size();
      ++file.lines;
    }
    file.waiting.erase(file.waiting.begin(), later);
  }
  return Status::Ok();
}

Status DemoWriter::Close() {
  RT_RETURN_IF_ERROR(FlushBefore(Timestamp::Max()));
  for (File& file : files_) {
    // fclose writes the last buffer, so a full disk may show only here.
    if (std::fclose(file.stream.release()) != 0) return Status::Io(file.path + ": " + std::strerror(errno));
  }
  return Status::Ok();
}

}  // namespace redthread
