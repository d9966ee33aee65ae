// SyslogConnections: the TCP side of a listener: accepts, cuts into messages, and holds everybody to the
// limits.
//
// A connection may be silent for as long as it likes, as a quiet host is; it may not take long over one
// message. Nobody holds more than one unfinished message here, so memory is bounded by their number and size.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/clock.h"
#include "core/status.h"
#include "core/text.h"
#include "ingest/tls_context.h"

// Of libevent.
struct bufferevent;
struct event_base;
struct evconnlistener;
struct sockaddr;

namespace redthread {

// One per thread: that which runs the event loop.
class SyslogConnections {
 public:
  struct Options {
    size_t max_message_bytes = 0;
    size_t max_connections = 0;
    size_t max_connections_of_peer = 0;
    // From the beginning of a message to its end, and from that of a connection to its TLS session.
    Nanoseconds message_timeout{0};
    const TlsContext* tls = nullptr;  // outlives the object; null: connections are not encrypted
  };
  struct Counts {
    std::atomic<uint64_t> open{0};
    std::atomic<uint64_t> not_allowed{0};  // closed: not of the allowed senders
    std::atomic<uint64_t> over_limit{0};   // closed: more connections than are allowed
    std::atomic<uint64_t> lost_frame{0};   // closed: no length where one must stand
    std::atomic<uint64_t> out_of_time{0};  // closed: a message, or the handshake, took too long
    std::atomic<uint64_t> no_session{0};   // closed: no TLS session came about
  };
  // Takes a message; it lies there until the function returns.
  using Take = std::function<void(const IpAddress& peer, std::string_view text, uint64_t cut_from)>;
  using IsAllowed = std::function<bool(const IpAddress& peer)>;

  // Accepts on `socket`, which listens already and which it owns from then on, in the loop of `base`, which
  // outlives it, as do `clock` and `counts`.
  SyslogConnections(event_base* base, int socket, const Options& options, IsAllowed is_allowed, Take take,
                    Clock* clock, Counts* counts);
  ~SyslogConnections();
  SyslogConnections(const SyslogConnections&) = delete;
  SyslogConnections& operator=(const SyslogConnections&) = delete;

  // Stops reading from all connections, or goes on: what they send waits with them meanwhile.
  void Pause(bool paused);
  // Closes connections whose message takes too long. To be called now and then.
  void CloseSlow();
  // Whether some connection had more to read than one look takes, since the last call.
  bool TakeMore() { return std::exchange(more_, false); }

 private:
  class Connection;

  void Accept(int socket, const sockaddr* address);
  bufferevent* StreamOf(int socket) const;
  void Close(Connection* connection);

  event_base* const base_;
  const Options options_;
  const IsAllowed is_allowed_;
  const Take take_;
  Clock* const clock_;
  Counts* const counts_;
  evconnlistener* acceptor_ = nullptr;
  std::map<Connection*, std::unique_ptr<Connection>> connections_;
  std::map<std::string, size_t> of_peer_;  // how many, by address
  bool paused_ = false;
  bool more_ = false;
};

}  // namespace redthread
