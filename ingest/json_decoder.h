// JsonDecoder: a line of JSON -> Event, with the shape its shipper gave it taken off.
//
// Two readers. The strict one lets simdjson find the structure of the record (its first stage: quotes,
// brackets, UTF-8, control characters, at several bytes a cycle) and walks that index once, checking the
// grammar; strings are not unescaped, numbers are not converted. Whatever it does not like, the tolerant one
// (tolerant_json.h) reads anew. It walks the index itself and not through simdjson's On-Demand, because that
// accepts broken tails, and because one look at each token is all that is needed here.
//
// Of strings the strict reader does not judge the escapes: an unknown one stays as it is, a lone surrogate
// becomes U+FFFD, when somebody asks for the text.
#pragma once

#include <memory>
#include <string>

#include "core/decoder.h"
#include "ingest/key_cache.h"
#include "ingest/shapes.h"

namespace redthread {

// One per thread. The FieldTable outlives it, and every event it fills has been cleared with that table.
class JsonDecoder final : public Decoder {
 public:
  // Containers nested deeper than this are kept as text. The record itself is level 1.
  static constexpr int kMaxDepth = 64;
  // The reason of a kDead result that is only an empty line; compare the pointer.
  static const char* const kBlankLine;

  // Names the fields that shapes are recognised by and made of. To be called before the table is used.
  static void RegisterFields(FieldTable* fields);

  explicit JsonDecoder(const FieldTable& fields);
  ~JsonDecoder() override;

  // kDead for what is no JSON object: the event then holds the text as field "raw", or nothing when the line
  // is blank.
  DecodeResult Decode(std::string_view record, Event* event);
  DecodeResult Decode(std::string_view record, const RecordOrigin&, Event* event) override {
    return Decode(record, event);
  }

 private:
  class Index;  // simdjson's structural index of one record
  class Walk;

  bool DecodeStrictly(std::string_view record, Event* event);

  KeyCache keys_;
  Flattener flattener_;
  std::unique_ptr<Index> index_;
  bool spaced_ = false;  // the record holds a key with spaces whose spaceless name somebody asks for
};

}  // namespace redthread
