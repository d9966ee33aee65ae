// RecordDecoder: a record of any format -> Event.
//
// Which format a record is in, it says itself: each begins like no other. So nothing is remembered from one
// record to the next, and the answer is the same in any order, after any restart and on any number of
// threads. A source whose format is locked is read in that one alone.
//
// Every event of a text format has the line as it came in the field `raw`, which keyword rules search, and
// the time that it was given in `@timestamp`. What no format reads is dead: `raw` is then all there is.
// Windows' XML is no such format: its events have the fields of the same events in JSON, and no others.
//
// A record may hold another: the message of syslog may be JSON or XML, and a collector's JSON has the line
// that it read in `message`, `log` or `MESSAGE`. Then the fields are those of the inner record, and of the
// outer one those that it lacks (envelope.h). That is seen from how the inner one begins, and it is done
// once: what is within JSON within JSON stays text.
#pragma once

#include <string>
#include <string_view>

#include "core/decoder.h"
#include "ingest/audit_decoder.h"
#include "ingest/envelope.h"
#include "ingest/event_time.h"
#include "ingest/event_xml.h"
#include "ingest/filterlog_decoder.h"
#include "ingest/forwarded_client.h"
#include "ingest/journal_header.h"
#include "ingest/json_decoder.h"
#include "ingest/key_value_decoder.h"
#include "ingest/syslog_decoder.h"
#include "ingest/text_field.h"
#include "ingest/text_time.h"
#include "ingest/web_decoder.h"
#include "ingest/xml_tree.h"

namespace redthread {

// One per thread. The FieldTable outlives it, and every event it fills has been cleared with that table.
class RecordDecoder final : public Decoder {
 public:
  // To be called before the table is used.
  static void RegisterFields(FieldTable* fields);
  explicit RecordDecoder(const FieldTable& fields);

  DecodeResult Decode(std::string_view record, const RecordOrigin& origin, Event* event) override;

  // Why a line of EvtxStream is dead that says what could not be read.
  static constexpr const char* kUnreadableLog = "part of an event log that cannot be read";

  // The format that a record is in by its first characters, which may still turn out not to hold; kAuto when
  // it looks like none.
  static SourceFormat Detect(std::string_view record);

 private:
  DecodeResult DecodeRecord(std::string_view record, const RecordOrigin& origin, Event* event);
  DecodeResult DecodeXml(std::string_view record, Event* event);
  DecodeResult DecodeText(std::string_view record, const RecordOrigin& origin, Event* event);
  bool ReadPlain(std::string_view text, Event* event);
  bool Read(SourceFormat format, std::string_view text, Event* event);
  bool ReadSyslog(std::string_view text, Event* event);
  bool ReadSyslogBody(const SyslogHeader& header, Event* event);
  bool ReadWrapped(SourceFormat format, std::string_view body, Event* event);
  void ReadCarried(const RecordOrigin& origin, Event* event, DecodeResult* result);
  bool ReadCarriedRecord(SourceFormat format, std::string_view text, Event* event);
  void TellDamage(DecodeResult* result) const;
  NodeIndex CarriedText(const Event& event) const;
  std::string_view CollectorsHost(const Event& event) const;
  bool ReadJournal(const RecordOrigin& origin, Event* event, DecodeResult* result);
  bool ReadWeb(SourceFormat format, std::string_view text, Event* event);
  bool ReadKeyValues(SourceFormat format, std::string_view text, Event* event);
  bool ReadAudit(std::string_view text, std::string_view host, Event* event);
  void AddTimestamp(Event* event);

  JsonDecoder json_;
  SyslogDecoder syslog_;
  WebDecoder web_;
  KeyValueDecoder key_values_;
  AuditDecoder audit_;
  FilterlogDecoder filterlog_;
  JournalHeader journal_;
  ForwardedClient forwarded_client_;
  EventXmlReader xml_;
  XmlTree xml_tree_;
  std::string xml_json_;
  TextClock clock_;
  EventTime event_time_;
  Envelope header_, collector_;  // around the record at hand: what syslog says, what a collector's JSON says
  // Of the record at hand: it holds another, which has a time; how well that one could be read.
  bool inner_has_time_ = false;
  DecodeResult inner_;
  const char* begin_ = nullptr;  // of the record at hand
  std::string_view host_;        // that a collector names
  TextField raw_, timestamp_, message_;
  FieldId carriers_[3];  // fields of JSON in which collectors put the line that they read
  FieldId channel_, event_id_, host_field_;
};

}  // namespace redthread
