#include "ingest/stream_acceptor.h"

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "ingest/sender.h"
#include "ingest/socket_address.h"

namespace redthread {

namespace {

void KeepAlive(int socket) {
  const int on = 1, idle = 60, interval = 30, probes = 4;
  setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

}  // namespace

StreamAcceptor::StreamAcceptor(event_base* base, int socket, const Options& options, IsAllowed is_allowed,
                               Take take, Counts* counts)
    : base_(base),
      options_(options),
      is_allowed_(std::move(is_allowed)),
      take_(std::move(take)),
      counts_(counts) {
  constexpr int kListensAlready = 0;
  acceptor_ = evconnlistener_new(
      base,
      [](evconnlistener*, evutil_socket_t accepted, sockaddr* address, int, void* self) {
        static_cast<StreamAcceptor*>(self)->Accept(accepted, address);
      },
      this, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, kListensAlready, socket);
  if (acceptor_ == nullptr) {
    close(socket);
    return;
  }
  // No descriptor is left for another connection: it waits, instead of waking us again and again.
  evconnlistener_set_error_cb(acceptor_,
                              [](evconnlistener* acceptor, void*) { evconnlistener_disable(acceptor); });
}

StreamAcceptor::~StreamAcceptor() { Stop(); }

void StreamAcceptor::Stop() {
  if (acceptor_ != nullptr) evconnlistener_free(acceptor_);
  acceptor_ = nullptr;
}

void StreamAcceptor::GoOn() {
  if (acceptor_ != nullptr) evconnlistener_enable(acceptor_);
}

void StreamAcceptor::Accept(int socket, const sockaddr* address) {
  const IpAddress peer = AddressOf(address);
  std::atomic<uint64_t>* refused = nullptr;
  const auto of_peer = of_peer_.find(FormatIpAddress(peer));
  if (!is_allowed_(peer)) {
    refused = &counts_->not_allowed;
  } else if (open_ >= options_.max_connections ||
             (of_peer != of_peer_.end() && of_peer->second >= options_.max_connections_of_peer)) {
    refused = &counts_->over_limit;
  }
  bufferevent* const stream = refused == nullptr ? StreamOf(socket) : nullptr;
  if (stream == nullptr) {
    ++(refused != nullptr ? *refused : counts_->over_limit);
    close(socket);
    return;
  }
  KeepAlive(socket);
  ++open_;
  ++of_peer_[FormatIpAddress(peer)];
  ++counts_->open;
  take_(stream, peer);
}

bufferevent* StreamAcceptor::StreamOf(int socket) const {
  if (options_.tls == nullptr) return bufferevent_socket_new(base_, socket, BEV_OPT_CLOSE_ON_FREE);
  ssl_st* const session = options_.tls->NewSession();
  if (session == nullptr) return nullptr;
  bufferevent* const stream = bufferevent_openssl_socket_new(
      base_, socket, session, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
  // Many senders just close; what was cut is seen by its frame.
  if (stream != nullptr) bufferevent_openssl_set_allow_dirty_shutdown(stream, 1);
  return stream;
}

void StreamAcceptor::Closed(const IpAddress& peer) {
  const auto of_peer = of_peer_.find(FormatIpAddress(peer));
  if (of_peer != of_peer_.end() && --of_peer->second == 0) of_peer_.erase(of_peer);
  --open_;
  --counts_->open;
}

}  // namespace redthread
