// HttpConnections: HTTP/1.1 over the connections of a listener: one request at a time of each, answered when
// its records are durable, everybody held to the limits.
//
// A connection is read while nothing of it waits for an answer, so what a client sends ahead waits with the
// client. A request that is refused by its head is read to its end all the same, and thrown away: a client
// that still writes would not see an answer before that. Nobody may take longer over a request than
// `request_timeout`, from its first byte to its last.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/clock.h"
#include "core/text.h"
#include "ingest/http_answer.h"
#include "ingest/http_parser.h"
#include "ingest/http_service.h"
#include "ingest/message_queue.h"
#include "ingest/request_records.h"
#include "ingest/stream_acceptor.h"

namespace redthread {

// One per thread: that which runs the event loop.
class HttpConnections {
 public:
  struct Options : StreamAcceptor::Options {
    HttpParser::Options parser;
    RequestRecords::Options records;
    Nanoseconds request_timeout{0};  // also from the beginning of a connection to its first request's end
    Nanoseconds idle_timeout{0};     // between two requests
    size_t max_held_bytes = 0;       // of all bodies that have not ended
  };
  struct Counts : StreamAcceptor::Counts {
    std::atomic<uint64_t> requests{0};
    std::atomic<uint64_t> unauthorized{0};  // refused: without a token, or with a wrong one
    std::atomic<uint64_t> busy{0};          // refused: more than can be taken
    std::atomic<uint64_t> invalid{0};       // refused: wrong in another way
    std::atomic<uint64_t> out_of_time{0};   // closed: a request, or the handshake, took too long
    std::atomic<uint64_t> no_session{0};    // closed: no TLS session came about
  };
  using Id = uint64_t;  // of a connection, never given twice
  // Takes records that came over a connection, which awaits that answer.
  using Hold = std::function<void(Id id, HttpAnswer answer, PushedMessages* messages)>;

  // Accepts on `socket`, which listens already and which it owns from then on, in the loop of `base`. `base`,
  // `service`, `clock` and `counts` outlive it.
  HttpConnections(event_base* base, int socket, const Options& options, HttpService* service,
                  StreamAcceptor::IsAllowed is_allowed, std::function<bool()> is_busy, Hold hold,
                  Clock* clock, Counts* counts);
  ~HttpConnections();
  HttpConnections(const HttpConnections&) = delete;
  HttpConnections& operator=(const HttpConnections&) = delete;

  // Gives an answer that was awaited. A client that went away meanwhile does not get it.
  void Answer(Id id, const HttpAnswer& answer);
  // Closes connections that take too long. To be called now and then.
  void CloseSlow();
  // Takes no more requests; answers go on.
  void Stop();
  // Whether answers are still on their way to clients.
  bool writes() const;
  // When the oldest request began that has not been answered; `now` when there is none.
  Nanoseconds Oldest(Nanoseconds now) const;

 private:
  class Connection;

  void Begin(bufferevent* stream, const IpAddress& peer);
  void Close(Connection* connection);

  const Options options_;
  HttpService* const service_;
  const std::function<bool()> is_busy_;
  const Hold hold_;
  Clock* const clock_;
  Counts* const counts_;
  StreamAcceptor acceptor_;
  Id next_id_ = 1;
  size_t held_bytes_ = 0;
  bool stopped_ = false;
  std::map<Id, std::unique_ptr<Connection>> connections_;  // they use what stands above to their end
};

}  // namespace redthread
