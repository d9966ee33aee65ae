#include "ingest/syslog_listener.h"

#include <event2/event.h>
#include <signal.h>

#include <algorithm>
#include <utility>

#include "ingest/socket_address.h"

namespace redthread {

namespace {

// How often a full queue is looked at again, and at most how long Stop waits.
constexpr timeval kTick = {0, 10'000};
// Between two looks at what takes long.
constexpr int kSlowTicks = 100;

using EventBase = std::unique_ptr<event_base, decltype(&event_base_free)>;
using EventOf = std::unique_ptr<event, decltype(&event_free)>;

}  // namespace

struct SyslogListener::Loop {
  EventBase base{event_base_new(), &event_base_free};
  EventOf tick{nullptr, &event_free};
  EventOf datagrams{nullptr, &event_free};
  int ticks = 0;
  int looks = 0;              // since all sockets were found empty, or that many were counted
  Nanoseconds first_look{0};  // when the first of them began
};

SyslogListener::SyslogListener(const Options& options, Clock* clock)
    : options_(options),
      clock_(clock),
      caught_up_(clock->Elapsed().count()),
      loop_(std::make_unique<Loop>()) {
  loop_->first_look = clock->Elapsed();
}

SyslogListener::~SyslogListener() { Stop(); }

Result<std::unique_ptr<SyslogListener>> SyslogListener::Start(const Options& options, Clock* clock) {
  std::unique_ptr<SyslogListener> listener(new SyslogListener(options, clock));
  RT_RETURN_IF_ERROR(listener->Bind());
  listener->thread_ = std::thread([raw = listener.get()] { raw->Run(); });
  return listener;
}

Status SyslogListener::Bind() {
  event_base* const base = loop_->base.get();
  if (base == nullptr) return Status::Io("cannot make an event loop for " + options_.address);
  loop_->tick.reset(event_new(
      base, -1, EV_PERSIST,
      [](evutil_socket_t, short, void* self) { static_cast<SyslogListener*>(self)->Tick(); }, this));
  event_add(loop_->tick.get(), &kTick);
  if (options_.udp) {
    Result<std::unique_ptr<UdpReceiver>> udp =
        UdpReceiver::Open(options_.address, options_.max_message_bytes, options_.udp_buffer_bytes);
    if (!udp.ok()) return udp.status();
    udp_ = std::move(*udp);
    udp_port_ = PortOf(udp_->socket());
    loop_->datagrams.reset(event_new(
        base, udp_->socket(), EV_READ | EV_PERSIST,
        [](evutil_socket_t, short, void* self) { static_cast<SyslogListener*>(self)->ReadDatagrams(); },
        this));
    event_add(loop_->datagrams.get(), nullptr);
  }
  return options_.tcp ? BindConnections() : Status::Ok();
}

Status SyslogListener::BindConnections() {
  if (options_.tls.has_value()) {
    Result<std::unique_ptr<TlsContext>> tls = TlsContext::Create(*options_.tls);
    if (!tls.ok()) return tls.status();
    tls_ = std::move(*tls);
  }
  const Result<int> socket = ListenSocket(options_.address);
  if (!socket.ok()) return socket.status();
  tcp_port_ = PortOf(*socket);
  SyslogConnections::Options options;
  options.max_message_bytes = options_.max_message_bytes;
  options.max_connections = options_.max_connections;
  options.max_connections_of_peer = options_.max_connections_of_peer;
  options.message_timeout = options_.message_timeout;
  options.tls = tls_.get();
  connections_ = std::make_unique<SyslogConnections>(
      loop_->base.get(), *socket, options, [this](const IpAddress& peer) { return IsAllowed(peer); },
      [this](const IpAddress& peer, std::string_view text, uint64_t cut_from) {
        read_.Add({peer, Transport::kTcp}, clock_->Now(), text, cut_from);
      },
      clock_, &connection_counts_);
  return Status::Ok();
}

void SyslogListener::Stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

SyslogListener::Counts& SyslogListener::Counts::operator+=(const Counts& other) {
  messages += other.messages;
  datagrams_lost += other.datagrams_lost;
  datagrams_not_allowed += other.datagrams_not_allowed;
  connections += other.connections;
  connections_not_allowed += other.connections_not_allowed;
  connections_over_limit += other.connections_over_limit;
  connections_lost_frame += other.connections_lost_frame;
  connections_out_of_time += other.connections_out_of_time;
  connections_no_session += other.connections_no_session;
  pauses += other.pauses;
  return *this;
}

SyslogListener::Counts SyslogListener::counts() const {
  Counts counts;
  counts.messages = messages_;
  counts.datagrams_lost = datagrams_lost_;
  counts.datagrams_not_allowed = datagrams_not_allowed_;
  counts.connections = connection_counts_.open;
  counts.connections_not_allowed = connection_counts_.not_allowed;
  counts.connections_over_limit = connection_counts_.over_limit;
  counts.connections_lost_frame = connection_counts_.lost_frame;
  counts.connections_out_of_time = connection_counts_.out_of_time;
  counts.connections_no_session = connection_counts_.no_session;
  counts.pauses = pauses_;
  return counts;
}

// ---- the thread

void SyslogListener::Run() {
  // A client that is gone while OpenSSL writes to it is an error of that connection and no more.
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
  while (!stopping_) {
    const Nanoseconds began = clock_->Elapsed();
    bool paused = udp_paused_ || tcp_paused_;
    more_ = false;
    event_base_loop(loop_->base.get(), EVLOOP_ONCE);
    if (connections_ != nullptr) more_ |= connections_->TakeMore();
    HandOver();
    paused |= udp_paused_ || tcp_paused_;
    if (!paused) NoteLook(began);
  }
  ReadLast();
  if (udp_ != nullptr) datagrams_lost_ += udp_->TakeLost();
}

// What the kernel holds still: what had been sent before the end is not lost by it. A flood does not end, so
// the queue's limit holds here too.
void SyslogListener::ReadLast() {
  uint64_t before = 0;
  do {
    before = messages_;
    if (connections_ != nullptr) connections_->Pause(false);
    event_base_loop(loop_->base.get(), EVLOOP_NONBLOCK);
    if (udp_ != nullptr) ReadDatagrams();
    HandOver();
  } while (messages_ > before && queue_.bytes() < options_.max_udp_queue_bytes);
  connections_.reset();  // gives what they hold of a message
  HandOver();
}

// Of a look that nothing kept from reading. Whoever floods us leaves more behind at every look; but so many
// looks empty any buffer of the kernel, so what had arrived before the first of them has been read.
void SyslogListener::NoteLook(Nanoseconds began) {
  constexpr int kLooksThatEmptyABuffer = 1024;
  if (more_ && ++loop_->looks < kLooksThatEmptyABuffer) return;
  caught_up_ = (more_ ? loop_->first_look : began).count();
  loop_->looks = 0;
  loop_->first_look = began;
}

void SyslogListener::Tick() {
  if (udp_paused_ || tcp_paused_) PauseAsNeeded();
  if (++loop_->ticks % kSlowTicks != 0) return;
  if (connections_ != nullptr) connections_->CloseSlow();
  if (udp_ != nullptr) datagrams_lost_ += udp_->TakeLost();
}

void SyslogListener::ReadDatagrams() {
  const Timestamp arrival = clock_->Now();
  more_ |= udp_->Read([&](const IpAddress& peer, std::string_view text, uint64_t size) {
    if (!IsAllowed(peer)) {
      ++datagrams_not_allowed_;
      return;
    }
    const uint64_t cut_from = text.size() < size ? size : 0;
    while (cut_from == 0 && !text.empty() && (text.back() == '\n' || text.back() == '\0'))
      text.remove_suffix(1);
    read_.Add({peer, Transport::kUdp}, arrival, text, cut_from);
  });
}

void SyslogListener::HandOver() {
  if (read_.empty()) return;
  messages_ += read_.all().size();
  queue_.Put(&read_);
  PauseAsNeeded();
}

void SyslogListener::PauseAsNeeded() {
  const size_t bytes = queue_.bytes();
  tcp_paused_ = bytes >= options_.max_tcp_queue_bytes;
  if (connections_ != nullptr) connections_->Pause(tcp_paused_);
  const bool udp_paused = bytes >= options_.max_udp_queue_bytes;
  if (udp_paused == udp_paused_ || loop_->datagrams == nullptr) return;
  udp_paused_ = udp_paused;
  if (udp_paused) {
    ++pauses_;
    event_del(loop_->datagrams.get());
  } else {
    event_add(loop_->datagrams.get(), nullptr);
  }
}

bool SyslogListener::IsAllowed(const IpAddress& peer) const {
  return options_.allowed.empty() || std::any_of(options_.allowed.begin(), options_.allowed.end(),
                                                 [&](const Cidr& cidr) { return cidr.Contains(peer); });
}

}  // namespace redthread
