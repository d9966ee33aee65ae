// HecProtocol: Splunk's HTTP event collector, as its forwarders and the many that imitate them speak it.
//
// An answer is given once the records are durable, so an acknowledgement has nothing left to say: whatever
// number a client asks for that it was given is acknowledged, also by a process that was started since.
// Source: Splunk Enterprise, "HTTP Event Collector REST API endpoints", "Troubleshoot HTTP Event Collector".
#pragma once

#include <cstdint>
#include <string_view>

#include "ingest/http_answer.h"
#include "ingest/http_parser.h"
#include "ingest/request_records.h"

namespace redthread {

// One per thread.
class HecProtocol {
 public:
  // `first_ack_id`: higher than any that an earlier process gave out, so that none is given twice.
  explicit HecProtocol(uint64_t first_ack_id) : next_ack_id_(first_ack_id) {}

  static bool Owns(std::string_view path);
  static bool IsHealth(std::string_view path);
  // Whether the request brings records, if it brings anything.
  static bool BringsRecords(const HttpRequest& request);

  // What a request is answered with once the records that it added are durable.
  HttpAnswer Serve(const HttpRequest& request, RequestRecords* records);
  static HttpAnswer Health(bool busy);

  // Splunk's own codes.
  enum Code {
    kTokenRequired = 2,
    kInvalidAuthorization = 3,
    kInvalidToken = 4,
    kNoData = 5,
    kInvalidFormat = 6,
    kBusy = 9,
    kChannelMissing = 10,
    kEventRequired = 12,
    kEventBlank = 13,
    kFieldsInvalid = 15,
  };
  // The answer that Splunk gives with that code.
  static HttpAnswer Error(Code code);

 private:
  HttpAnswer ServeEvents(const HttpRequest& request, RequestRecords* records);
  HttpAnswer ServeRaw(const HttpRequest& request, RequestRecords* records);
  static HttpAnswer ServeAck(const HttpRequest& request);
  HttpAnswer Success(const HttpRequest& request);

  uint64_t next_ack_id_;
};

}  // namespace redthread
