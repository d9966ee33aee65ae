// DecodedEvent: a line of JSON as an Event, for tests of what looks at one.
#pragma once

#include <string>

#include "core/event.h"
#include "core/field_table.h"
#include "ingest/json_decoder.h"

namespace redthread {

// `fields` is complete and outlives the event; JsonDecoder::RegisterFields was called for it.
class DecodedEvent {
 public:
  DecodedEvent(const FieldTable& fields, const std::string& json)
      : record_(json + std::string(Decoder::kPadding, '\0')) {
    JsonDecoder decoder(fields);
    event_.Clear(fields);
    event_.raw = std::string_view(record_).substr(0, json.size());
    decoder.Decode(event_.raw, &event_);
  }
  DecodedEvent(const DecodedEvent&) = delete;
  DecodedEvent& operator=(const DecodedEvent&) = delete;

  const Event& operator*() const { return event_; }

 private:
  std::string record_;
  Event event_;
};

}  // namespace redthread
