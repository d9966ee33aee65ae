// StreamAcceptor: who connects to a listener over TCP, plain or TLS, as far as the limits allow.
//
// A limit for each peer besides the one in all, so that one peer cannot lock out the others. A peer that is
// gone without a word is noticed within three minutes.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "core/text.h"
#include "ingest/tls_context.h"

// Of libevent.
struct bufferevent;
struct event_base;
struct evconnlistener;
struct sockaddr;

namespace redthread {

// One per thread: that which runs the event loop.
class StreamAcceptor {
 public:
  struct Options {
    size_t max_connections = 0;
    size_t max_connections_of_peer = 0;
    const TlsContext* tls = nullptr;  // outlives the object; null: connections are not encrypted
  };
  struct Counts {
    std::atomic<uint64_t> open{0};
    std::atomic<uint64_t> not_allowed{0};  // closed: not of the allowed senders
    std::atomic<uint64_t> over_limit{0};   // closed: more connections than are allowed
  };
  using IsAllowed = std::function<bool(const IpAddress& peer)>;
  // Takes a connection, which it frees with bufferevent_free.
  using Take = std::function<void(bufferevent* stream, const IpAddress& peer)>;

  // Accepts on `socket`, which listens already and which it owns from then on, in the loop of `base`, which
  // outlives it, as does `counts`.
  StreamAcceptor(event_base* base, int socket, const Options& options, IsAllowed is_allowed, Take take,
                 Counts* counts);
  ~StreamAcceptor();
  StreamAcceptor(const StreamAcceptor&) = delete;
  StreamAcceptor& operator=(const StreamAcceptor&) = delete;

  // A connection of that peer is no more.
  void Closed(const IpAddress& peer);
  // Goes on after no descriptor was left for another connection. To be called now and then.
  void GoOn();
  // Accepts nobody any more.
  void Stop();

 private:
  void Accept(int socket, const sockaddr* address);
  bufferevent* StreamOf(int socket) const;

  event_base* const base_;
  const Options options_;
  const IsAllowed is_allowed_;
  const Take take_;
  Counts* const counts_;
  evconnlistener* acceptor_ = nullptr;
  size_t open_ = 0;
  std::map<std::string, size_t> of_peer_;  // how many, by address
};

}  // namespace redthread
