// HttpParser: bytes of a connection -> HTTP/1.1 requests, within limits.
//
// As strict as the specification allows where two readers could disagree on where a request ends (two
// lengths, a length and chunks, folded headers, bare CR or LF): a proxy in front of us must not see other
// requests than we do. Bodies are unpacked as they arrive, so a bomb is noticed at its limit. // Source: RFC
// 9110, RFC 9112.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/inflater.h"

namespace redthread {

struct HttpRequest {
  std::string method;
  std::string path;   // as it was sent, percent signs and all: "/services/collector"
  std::string query;  // behind the question mark
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  bool keep_alive = true;
  bool awaits_continue = false;  // the client sends its body once it was told to go on
  std::string body;              // unpacked

  // The value of the first header of that name, which is in lower case; empty when there is none.
  std::string_view Header(std::string_view name) const;
  // The value of a parameter of the query, percent signs decoded; empty when there is none.
  std::string Parameter(std::string_view name) const;
};

// One per connection.
class HttpParser {
 public:
  struct Options {
    size_t max_head_bytes = 32 << 10;  // request line and headers
    size_t max_headers = 100;
    size_t max_body_bytes = 16 << 20;      // as it was sent
    size_t max_unpacked_bytes = 64 << 20;  // of a packed body
  };
  enum class Step {
    kMore,    // all bytes are used, and the request has not ended
    kHead,    // the head of request() is there, its body is not
    kDone,    // request() is there; Next goes on
    kFailed,  // the connection is out of step, or a limit was reached: failure_status()
  };

  explicit HttpParser(const Options& options) : options_(options) {}

  // Reads on, and takes what it used away from `bytes`. Every request is kHead once before it is kDone.
  Step Feed(std::string_view* bytes);
  // What the body holds from here on is passed over; its limits hold still. Between kHead and kDone.
  void Discard();
  // The next request begins.
  void Next();

  HttpRequest& request() { return request_; }
  // Whether bytes of a request have been read and it has not ended.
  bool unfinished() const { return state_ != State::kHead || !head_.empty(); }
  // Of kFailed: the status of HTTP, and what is wrong in words of ours.
  int failure_status() const { return failure_status_; }
  const char* failure_reason() const { return failure_reason_; }

 private:
  enum class State { kHead, kBody, kChunkSize, kChunk, kChunkEnd, kTrailer, kDone, kFailed };

  Step FeedHead(std::string_view* bytes);
  Step FeedBody(std::string_view* bytes);
  bool ReadHead();
  bool ReadRequestLine(std::string_view line);
  bool ReadHeader(std::string_view line);
  bool ReadFraming();
  bool ReadEncoding();
  bool ReadLine(std::string_view* bytes);
  bool ReadChunkSize();
  bool Deliver(std::string_view part);
  Step End();
  bool Fail(int status, const char* reason);  // false
  Step FailStep(int status, const char* reason);

  const Options options_;
  State state_ = State::kHead;
  std::string head_;   // what has come of it
  std::string line_;   // of a chunk's size, or of a trailer
  uint64_t left_ = 0;  // of the body or chunk
  uint64_t body_bytes_ = 0;
  size_t trailer_bytes_ = 0;
  bool chunked_ = false;
  bool discards_ = false;
  int minor_version_ = 1;
  std::unique_ptr<Inflater> inflater_;  // of a packed body
  HttpRequest request_;
  int failure_status_ = 0;
  const char* failure_reason_ = "";
};

}  // namespace redthread
