// BulkProtocol: as much of Elasticsearch as Beats, Logstash and the like need to hand over their documents.
//
// Before their first _bulk they ask who is there, with which version and licence, and set up templates,
// policies, pipelines and data streams. Nothing of that means anything here: whatever is asked for is there,
// and whatever is set up is taken note of with a nod. Source: Elasticsearch reference 8, "Bulk API"; the
// start of libbeat 7 and 8.
#pragma once

#include <string>
#include <string_view>

#include "ingest/http_answer.h"
#include "ingest/http_parser.h"
#include "ingest/request_records.h"

namespace redthread {

class BulkProtocol {
 public:
  static bool BringsRecords(const HttpRequest& request);

  // What a request is answered with once the records that it added are durable.
  static HttpAnswer Serve(const HttpRequest& request, RequestRecords* records);

  // An error as Elasticsearch tells it. Both texts are ours, plain and without quotes.
  static HttpAnswer Error(int status, const std::string& type, const std::string& reason);

 private:
  static HttpAnswer ServeBulk(const HttpRequest& request, RequestRecords* records);
  static HttpAnswer ServeStart(const HttpRequest& request);
};

}  // namespace redthread
