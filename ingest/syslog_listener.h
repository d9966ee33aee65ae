// SyslogListener: messages that others send, over UDP and TCP, from the wire to a queue.
//
// One thread of its own runs an event loop over all its sockets, plain or TLS; whoever takes from the queue
// sees messages without their frames, each with its sender and the time at which it was read. When the queue
// is full nothing is read: TCP senders wait, datagrams wait in the kernel's buffer, and what that cannot hold
// is lost and counted. Syslog has no acknowledgement, so what was read and not yet made durable is lost with
// the process. // Source: RFC 5425 (TLS), RFC 5426 (UDP), RFC 6587 (TCP); what stands in a message (RFC 3164,
// 5424) is the decoders' matter.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/clock.h"
#include "core/status.h"
#include "core/text.h"
#include "ingest/message_queue.h"
#include "ingest/push_listener.h"
#include "ingest/syslog_connections.h"
#include "ingest/udp_receiver.h"

namespace redthread {

class SyslogListener final : public PushListener {
 public:
  struct Options {
    std::string address;  // "127.0.0.1:5514"; the same for all transports
    bool udp = true;
    bool tcp = true;
    std::optional<TlsContext::Options> tls;  // connections are encrypted; needs `tcp`
    std::vector<Cidr> allowed;               // who may send; none: everybody who can reach the address
    // Of longer messages the beginning is kept. A datagram has at most 64 KiB.
    size_t max_message_bytes = 64 << 10;
    size_t max_connections = 1'000;
    size_t max_connections_of_peer = 100;  // so that one peer cannot lock out the others
    Nanoseconds message_timeout = std::chrono::minutes(1);
    // What may wait to be taken, or to be lost with the process, before reading stops: much of datagrams,
    // some two seconds of a heavy load, for they cannot wait elsewhere; little of connections, which can.
    size_t max_udp_queue_bytes = 32 << 20;
    size_t max_tcp_queue_bytes = 2 << 20;
    size_t udp_buffer_bytes = 8 << 20;  // in the kernel: what bridges a moment in which nobody reads
  };
  // What happened since the start.
  struct Counts {
    uint64_t messages = 0;
    uint64_t datagrams_lost = 0;
    uint64_t datagrams_not_allowed = 0;
    uint64_t connections = 0;  // open now
    uint64_t connections_not_allowed = 0;
    uint64_t connections_over_limit = 0;
    uint64_t connections_lost_frame = 0;
    uint64_t connections_out_of_time = 0;
    uint64_t connections_no_session = 0;  // of TLS
    uint64_t pauses = 0;  // times that datagrams were left to the kernel, the queue being full

    Counts& operator+=(const Counts& other);
  };

  // Binds, and begins to read. `clock`, which must be thread-safe, outlives it. Errors: those of BindSocket
  // and of TlsContext::Create.
  static Result<std::unique_ptr<SyslogListener>> Start(const Options& options, Clock* clock);
  // Stops.
  ~SyslogListener() override;
  SyslogListener(const SyslogListener&) = delete;
  SyslogListener& operator=(const SyslogListener&) = delete;

  void Take(PushedMessages* messages) override { queue_.Take(messages); }
  Nanoseconds caught_up() const override { return Nanoseconds(caught_up_.load()); }
  void Committed(uint64_t) override {}  // syslog tells nobody
  // What connections hold of an unfinished message is given.
  void Stop() override;

  Counts counts() const;
  uint16_t udp_port() const { return udp_port_; }  // 0: none
  uint16_t tcp_port() const { return tcp_port_; }
  // What the kernel granted of `udp_buffer_bytes`, as it counts; 0 without UDP.
  size_t udp_buffer_bytes() const { return udp_ == nullptr ? 0 : udp_->buffer_bytes(); }

 private:
  SyslogListener(const Options& options, Clock* clock);
  Status Bind();
  Status BindConnections();
  void Run();
  void NoteLook(Nanoseconds began);
  void ReadLast();
  void Tick();
  void ReadDatagrams();
  void HandOver();
  void PauseAsNeeded();
  bool IsAllowed(const IpAddress& peer) const;

  const Options options_;
  Clock* const clock_;
  MessageQueue queue_;
  std::atomic<bool> stopping_{false};
  std::atomic<int64_t> caught_up_{0};
  std::atomic<uint64_t> messages_{0};
  std::atomic<uint64_t> datagrams_lost_{0};
  std::atomic<uint64_t> datagrams_not_allowed_{0};
  std::atomic<uint64_t> pauses_{0};
  SyslogConnections::Counts connection_counts_;
  uint16_t udp_port_ = 0;
  uint16_t tcp_port_ = 0;

  // The thread's alone, once it runs.
  struct Loop;  // what it has of libevent
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<UdpReceiver> udp_;
  std::unique_ptr<TlsContext> tls_;
  std::unique_ptr<SyslogConnections> connections_;
  PushedMessages read_;  // in the look at hand
  bool more_ = false;    // than one look takes
  bool udp_paused_ = false;
  bool tcp_paused_ = false;
  std::thread thread_;
};

}  // namespace redthread
