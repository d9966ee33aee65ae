// HttpService: which protocol a request speaks, whether it may, and what it is answered with.
//
// Nothing here knows of sockets: a request goes in, an answer and records come out. The answer is given once
// the records are durable, when there are any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ingest/access_tokens.h"
#include "ingest/hec_protocol.h"
#include "ingest/http_answer.h"
#include "ingest/http_parser.h"
#include "ingest/request_records.h"

namespace redthread {

// One per thread.
class HttpService {
 public:
  struct Options {
    // Which protocols are spoken.
    bool hec = true;
    bool bulk = true;
    bool otlp = true;
    bool ndjson = true;
    std::vector<std::pair<std::string, std::string>> tokens;  // names and secrets; none: everybody may send
  };
  // What the head of a request says.
  struct Verdict {
    std::optional<HttpAnswer> refusal;  // nothing: its body is to be read
    std::string token;                  // the name of the token that it showed; empty: none are asked for
  };

  // `first_ack_id`: HecProtocol's.
  HttpService(const Options& options, uint64_t first_ack_id)
      : options_(options), tokens_(options.tokens), hec_(first_ack_id) {}

  // `busy`: no more records can be taken just now.
  Verdict Judge(const HttpRequest& request, bool busy) const;
  // Serves a request that was not refused.
  HttpAnswer Serve(const HttpRequest& request, RequestRecords* records);

  // In the words of the request's protocol: it could not be read on (HttpParser::failure_status).
  HttpAnswer Failure(const HttpRequest& request, int status, const std::string& reason) const;
  HttpAnswer Busy(const HttpRequest& request) const;

 private:
  enum class Protocol { kNone, kHec, kBulk, kOtlp, kNdjson };
  Protocol ProtocolOf(const HttpRequest& request) const;
  std::optional<HttpAnswer> Unauthorized(const HttpRequest& request, std::string* token) const;

  const Options options_;
  const AccessTokens tokens_;
  HecProtocol hec_;
};

}  // namespace redthread
