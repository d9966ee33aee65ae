// What the tests of this folder share: lines decoded with everything an ingest thread has.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/decoder.h"
#include "core/event.h"
#include "ingest/event_time.h"
#include "ingest/json_decoder.h"
#include "ingest/record_reader.h"

namespace redthread {

// A text followed by the bytes a decoder may read beyond it, which look like more JSON.
class PaddedText {
 public:
  explicit PaddedText(std::string_view text) : size_(text.size()) {
    bytes_.assign(text);
    while (bytes_.size() < size_ + Decoder::kPadding) bytes_.append("\"},x:1[");
  }
  std::string_view text() const { return {bytes_.data(), size_}; }

 private:
  std::string bytes_;
  size_t size_;
};

class IngestTest : public ::testing::Test {
 protected:
  IngestTest() {
    JsonDecoder::RegisterFields(&fields_);
    EventTime::RegisterFields(&fields_);
  }

  // Decodes a line; the event lives until the next call. Fields to be asked for are to be added before the
  // first.
  DecodeResult Decode(std::string_view line) {
    if (decoder_ == nullptr) decoder_ = std::make_unique<JsonDecoder>(fields_);
    line_ = std::make_unique<PaddedText>(line);
    event_.Clear(fields_);
    return decoder_->Decode(line_->text(), &event_);
  }

  // The flat view as JSON.
  std::string Json() const {
    std::string out;
    AppendJson(event_, &out);
    return out;
  }

  // All texts of a field, by whatever path.
  std::vector<std::string> Texts(std::string_view name) const {
    std::vector<std::string> out;
    const FieldId id = fields_.Find(name);
    if (id == kNoField) return {"(not registered)"};
    event_.AnyValue(id, [&](NodeIndex i) {
      out.emplace_back(event_.Text(i).value_or("(none)"));
      return false;
    });
    return out;
  }

  FieldTable fields_;
  std::unique_ptr<JsonDecoder> decoder_;
  std::unique_ptr<PaddedText> line_;
  Event event_;
};

inline const std::string& ReferenceDir() {
  static const std::string dir = REDTHREAD_REFERENCE_DIR;
  return dir;
}

// The compressed event files beside the checkout, sorted; empty when there are none.
inline std::vector<std::string> ReferenceEventFiles() {
  std::vector<std::string> files;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator it(ReferenceDir() + "/data/events", error), end;
       !error && it != end; it.increment(error)) {
    if (it->path().string().ends_with(".ndjson.zst")) files.push_back(it->path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// A folder that is there as long as the object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = std::filesystem::temp_directory_path().string() + "/redthread_test_XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace redthread
