// OtlpProtocol: logs of OpenTelemetry over HTTP, in protobuf and in JSON; answered in the same.
//
// A request holds records within scopes within resources; each record is kept with the attributes of all
// three. Source: OpenTelemetry protocol 1.5, "OTLP/HTTP"; logs data model 1.
#pragma once

#include <string>
#include <string_view>

#include "ingest/http_answer.h"
#include "ingest/http_parser.h"
#include "ingest/request_records.h"

namespace redthread {

class OtlpProtocol {
 public:
  static bool Owns(std::string_view path);

  // The answer to what is refused by its head: no logs, another encoding. Status 200: it is not.
  static HttpAnswer Judge(const HttpRequest& request);
  // What a request is answered with once the records that it added are durable.
  static HttpAnswer Serve(const HttpRequest& request, RequestRecords* records);

  // A Status of gRPC. `message` is ours, plain and without quotes.
  static HttpAnswer Error(const HttpRequest& request, int status, const std::string& message);
};

}  // namespace redthread
