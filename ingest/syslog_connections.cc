#include "ingest/syslog_connections.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <sys/uio.h>

#include <array>
#include <utility>
#include <vector>

#include "ingest/syslog_framing.h"

namespace redthread {

namespace {

// What libevent reads from a connection at once.
constexpr size_t kReadBytes = 16 << 10;

}  // namespace

class SyslogConnections::Connection {
 public:
  Connection(SyslogConnections* owner, bufferevent* stream, const IpAddress& peer)
      : owner_(owner),
        stream_(stream),
        peer_(peer),
        framing_(owner->options_.max_message_bytes),
        established_(owner->options_.tls == nullptr),
        began_(owner->clock_->Elapsed()) {
    bufferevent_setcb(
        stream_, [](bufferevent*, void* self) { static_cast<Connection*>(self)->OnReadable(); }, nullptr,
        [](bufferevent*, short what, void* self) { static_cast<Connection*>(self)->OnEvent(what); }, this);
    bufferevent_setwatermark(stream_, EV_READ, 0, kReadBytes);
    Pause(owner_->paused_);
  }
  ~Connection() { bufferevent_free(stream_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Pause(bool paused) { (paused ? bufferevent_disable : bufferevent_enable)(stream_, EV_READ); }
  // What has come of a message that has not ended is given.
  void End() { framing_.End(Taker()); }
  bool IsSlow(Nanoseconds now) const {
    const bool waits = !established_ || framing_.unfinished();
    return waits && now - began_ > owner_->options_.message_timeout;
  }
  const IpAddress& peer() const { return peer_; }

 private:
  SyslogFraming::Take Taker() {
    return [this](std::string_view text, uint64_t cut_from) {
      began_ = now_;
      owner_->take_(peer_, text, cut_from);
    };
  }

  void OnReadable() {
    evbuffer* const input = bufferevent_get_input(stream_);
    owner_->more_ |= evbuffer_get_length(input) >= kReadBytes;
    now_ = owner_->clock_->Elapsed();
    if (!framing_.unfinished()) began_ = now_;
    if (ReadAll(input)) return;
    ++owner_->counts_->lost_frame;
    owner_->Close(this);  // destroys this
  }

  bool ReadAll(evbuffer* input) {
    std::array<evbuffer_iovec, 8> parts{};
    for (;;) {
      const int n = evbuffer_peek(input, -1, nullptr, parts.data(), parts.size());
      size_t bytes = 0;
      for (size_t i = 0; i < parts.size() && static_cast<int>(i) < n; ++i) {
        bytes += parts[i].iov_len;
        if (!framing_.Feed({static_cast<const char*>(parts[i].iov_base), parts[i].iov_len}, Taker()))
          return false;
      }
      if (bytes == 0) return true;
      evbuffer_drain(input, bytes);
    }
  }

  void OnEvent(short what) {
    established_ |= (what & BEV_EVENT_CONNECTED) != 0;
    if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) == 0) return;
    if (!established_) ++owner_->counts_->no_session;
    End();
    owner_->Close(this);  // destroys this
  }

  SyslogConnections* const owner_;
  bufferevent* const stream_;
  const IpAddress peer_;
  SyslogFraming framing_;
  bool established_;    // the TLS session, where there is one
  Nanoseconds began_;   // when the message at hand did, or the connection
  Nanoseconds now_{0};  // of the look at hand
};

SyslogConnections::SyslogConnections(event_base* base, int socket, const Options& options,
                                     StreamAcceptor::IsAllowed is_allowed, Take take, Clock* clock,
                                     Counts* counts)
    : options_(options),
      take_(std::move(take)),
      clock_(clock),
      counts_(counts),
      acceptor_(
          base, socket, options, std::move(is_allowed),
          [this](bufferevent* stream, const IpAddress& peer) { Begin(stream, peer); }, counts) {}

SyslogConnections::~SyslogConnections() {
  for (const auto& [connection, owned] : connections_) connection->End();
}

void SyslogConnections::Begin(bufferevent* stream, const IpAddress& peer) {
  auto connection = std::make_unique<Connection>(this, stream, peer);
  Connection* const key = connection.get();
  connections_.emplace(key, std::move(connection));
}

void SyslogConnections::Close(Connection* connection) {
  acceptor_.Closed(connection->peer());
  connections_.erase(connection);
}

void SyslogConnections::Pause(bool paused) {
  if (paused == paused_) return;
  paused_ = paused;
  for (const auto& [connection, owned] : connections_) connection->Pause(paused);
}

void SyslogConnections::CloseSlow() {
  acceptor_.GoOn();
  if (paused_) return;  // then it is not they who are slow
  const Nanoseconds now = clock_->Elapsed();
  std::vector<Connection*> slow;
  for (const auto& [connection, owned] : connections_) {
    if (connection->IsSlow(now)) slow.push_back(connection);
  }
  for (Connection* connection : slow) {
    connection->End();
    Close(connection);
    ++counts_->out_of_time;
  }
}

}  // namespace redthread
