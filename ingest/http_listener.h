// HttpListener: records that log shippers push over HTTP, from the wire to a queue, acknowledged once they
// are durable.
//
// One thread of its own runs an event loop over all its sockets, plain or TLS. A request's records go into
// the queue together under a number, its receipt; when whoever takes them says that they have been committed
// up to that number, the request is answered. So an answer is a promise, and a client that goes away
// meanwhile changes nothing. When too much is unanswered, requests are refused at once with the status that
// tells their client to come back later.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/clock.h"
#include "core/status.h"
#include "core/text.h"
#include "ingest/http_connections.h"
#include "ingest/http_service.h"
#include "ingest/message_queue.h"
#include "ingest/push_listener.h"

namespace redthread {

class HttpListener final : public PushListener {
 public:
  struct Options {
    std::string address;  // "127.0.0.1:8088"
    HttpService::Options service;
    std::optional<TlsContext::Options> tls;
    std::vector<Cidr> allowed;  // who may send; none: everybody who can reach the address
    SourceFormat format = SourceFormat::kAuto;
    size_t max_body_bytes = 16 << 20;      // of a request, as it was sent
    size_t max_unpacked_bytes = 64 << 20;  // and of its records, all together
    size_t max_record_bytes = 16 << 20;    // of a longer record the beginning is kept
    size_t max_connections = 1'000;
    size_t max_connections_of_peer = 100;
    Nanoseconds request_timeout = std::chrono::minutes(1);
    Nanoseconds idle_timeout = std::chrono::minutes(5);
    size_t max_held_bytes = 128 << 20;       // of all bodies that are being read
    size_t max_unanswered_bytes = 64 << 20;  // of records that are not durable yet; then we are busy
  };
  // What happened since the start.
  struct Counts {
    uint64_t requests = 0;
    uint64_t connections = 0;  // open now
    uint64_t connections_not_allowed = 0;
    uint64_t connections_over_limit = 0;
    uint64_t connections_out_of_time = 0;
    uint64_t connections_no_session = 0;  // of TLS
    uint64_t requests_unauthorized = 0;
    uint64_t requests_busy = 0;
    uint64_t requests_invalid = 0;

    Counts& operator+=(const Counts& other);
  };

  // Binds, and begins to read. `clock`, which must be thread-safe, outlives it. Errors: those of BindSocket
  // and of TlsContext::Create.
  static Result<std::unique_ptr<HttpListener>> Start(const Options& options, Clock* clock);
  // Stops. Answers that were given reach their clients first; requests whose records were never committed go
  // unanswered.
  ~HttpListener() override;
  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;

  void Take(PushedMessages* messages) override { queue_.Take(messages); }
  Nanoseconds caught_up() const override { return Nanoseconds(caught_up_.load()); }
  void Committed(uint64_t receipt) override;
  // Requests that have not ended are not taken any more.
  void Stop() override;

  Counts counts() const;
  uint16_t port() const { return port_; }

 private:
  // A request that awaits its answer.
  struct Unanswered {
    uint64_t receipt = 0;
    HttpConnections::Id connection = 0;
    size_t bytes = 0;
    HttpAnswer answer;
  };

  HttpListener(const Options& options, Clock* clock);
  Status Bind();
  void Run();
  void Wake();
  void Tick();
  void NoteLook(Nanoseconds began);
  void Hold(HttpConnections::Id id, HttpAnswer answer, PushedMessages* messages);
  void AnswerCommitted();
  bool IsBusy() const { return unanswered_bytes_ >= options_.max_unanswered_bytes; }
  bool IsAllowed(const IpAddress& peer) const;

  const Options options_;
  Clock* const clock_;
  MessageQueue queue_;
  std::atomic<int64_t> caught_up_{0};
  std::atomic<uint64_t> committed_{0};
  HttpConnections::Counts counts_;
  uint16_t port_ = 0;
  int wake_ = -1;     // an eventfd: somebody has news for the thread
  std::mutex mutex_;  // guards the next three
  std::condition_variable has_stopped_;
  bool stopping_ = false;
  bool stopped_ = false;
  std::atomic<bool> ending_{false};

  // The thread's alone, once it runs.
  struct Loop;  // what it has of libevent
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<TlsContext> tls_;
  std::unique_ptr<HttpService> service_;
  std::unique_ptr<HttpConnections> connections_;
  std::deque<Unanswered> unanswered_;  // in the order of receipts
  size_t unanswered_bytes_ = 0;
  uint64_t last_receipt_ = 0;
  std::thread thread_;
};

}  // namespace redthread
