// RequestRecords: what one HTTP request brings, on its way into the queue.
//
// A request is taken whole or not at all where its protocol says so: nothing of it is in the queue before all
// of it has been read. Envelopes may say a thing once for many records, and it is kept with each of them; a
// limit on all of them together keeps a small request from becoming a large one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/record_origin.h"
#include "core/timestamp.h"
#include "ingest/message_queue.h"

namespace redthread {

// One per request.
class RequestRecords {
 public:
  struct Options {
    SourceFormat format = SourceFormat::kAuto;  // of the input
    size_t max_record_bytes = 16 << 20;         // of a longer record the beginning is kept
    size_t max_bytes = 64 << 20;                // of all records together
  };
  // A name, as it stands between the quotes of JSON, and a value as JSON.
  using Member = std::pair<std::string_view, std::string>;

  // `sender`: who has sent the request, but for the host.
  RequestRecords(Sender sender, Timestamp arrival, const Options& options)
      : sender_(std::move(sender)), arrival_(arrival), options_(options) {}

  // A record as it came. `host`: for whom it is sent, where it says that; `told`: the time that its envelope
  // tells.
  void Add(std::string_view text, std::string_view host = {}, std::optional<Timestamp> told = {});
  // One record a line, blank ones counted as such.
  void AddLines(std::string_view body, std::string_view host = {});
  // What stands in an envelope as JSON. An object is the record, with those members of the envelope that it
  // does not have itself behind its own. A text in a known format is the record, as if it had come in a file.
  // Anything else is the record's member `message`, beside those of the envelope.
  void AddEnveloped(std::string_view event, const std::vector<Member>& envelope, std::string_view host,
                    std::optional<Timestamp> told);

  size_t count() const { return count_; }  // but for blank ones
  // More than max_bytes came together: what was added is not all.
  bool overflowed() const { return overflowed_; }
  PushedMessages& messages() { return messages_; }

 private:
  void AddText(const std::string& text, std::string_view json, const std::vector<Member>& envelope,
               std::string_view host, std::optional<Timestamp> told);
  void AddObject(std::string_view object, const std::vector<Member>& envelope, std::string_view host,
                 std::optional<Timestamp> told);

  Sender sender_;
  const Timestamp arrival_;
  const Options options_;
  PushedMessages messages_;
  std::string json_;                     // of the record at hand
  std::vector<std::string_view> names_;  // in it
  size_t count_ = 0;
  bool overflowed_ = false;
};

}  // namespace redthread
