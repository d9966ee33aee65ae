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
#include <string_view>
#include <utility>

#include "core/clock.h"
#include "core/status.h"
#include "core/text.h"
#include "ingest/stream_acceptor.h"

namespace redthread {

// One per thread: that which runs the event loop.
class SyslogConnections {
 public:
  struct Options : StreamAcceptor::Options {
    size_t max_message_bytes = 0;
    // From the beginning of a message to its end, and from that of a connection to its TLS session.
    Nanoseconds message_timeout{0};
  };
  struct Counts : StreamAcceptor::Counts {
    std::atomic<uint64_t> lost_frame{0};   // closed: no length where one must stand
    std::atomic<uint64_t> out_of_time{0};  // closed: a message, or the handshake, took too long
    std::atomic<uint64_t> no_session{0};   // closed: no TLS session came about
  };
  // Takes a message; it lies there until the function returns.
  using Take = std::function<void(const IpAddress& peer, std::string_view text, uint64_t cut_from)>;

  // Accepts on `socket`, which listens already and which it owns from then on, in the loop of `base`, which
  // outlives it, as do `clock` and `counts`.
  SyslogConnections(event_base* base, int socket, const Options& options,
                    StreamAcceptor::IsAllowed is_allowed, Take take, Clock* clock, Counts* counts);
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

  void Begin(bufferevent* stream, const IpAddress& peer);
  void Close(Connection* connection);

  const Options options_;
  const Take take_;
  Clock* const clock_;
  Counts* const counts_;
  StreamAcceptor acceptor_;
  std::map<Connection*, std::unique_ptr<Connection>> connections_;
  bool paused_ = false;
  bool more_ = false;
};

}  // namespace redthread
