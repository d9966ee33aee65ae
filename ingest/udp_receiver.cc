#include "ingest/udp_receiver.h"

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "ingest/socket_address.h"

namespace redthread {

namespace {

constexpr size_t kBurst = 64;  // datagrams a system call
constexpr int kCalls = 16;     // system calls a Read
constexpr size_t kMaxDatagram = 64 << 10;

}  // namespace

struct UdpReceiver::Burst {
  explicit Burst(size_t max_bytes) : bytes(kBurst * max_bytes) {
    for (size_t n = 0; n < kBurst; ++n) {
      parts[n] = {bytes.data() + n * max_bytes, max_bytes};
      messages[n].msg_hdr.msg_iov = &parts[n];
      messages[n].msg_hdr.msg_iovlen = 1;
      messages[n].msg_hdr.msg_name = &peers[n];
    }
  }
  std::vector<char> bytes;
  std::array<iovec, kBurst> parts{};
  std::array<sockaddr_storage, kBurst> peers{};
  std::array<mmsghdr, kBurst> messages{};
};

UdpReceiver::UdpReceiver(int socket, size_t max_message_bytes)
    : socket_(socket), burst_(std::make_unique<Burst>(max_message_bytes)) {}

UdpReceiver::~UdpReceiver() { close(socket_); }

Result<std::unique_ptr<UdpReceiver>> UdpReceiver::Open(const std::string& address, size_t max_message_bytes,
                                                       size_t buffer_bytes) {
  const Result<int> bound = BindSocket(address, SOCK_DGRAM);
  if (!bound.ok()) return bound.status();
  const int wanted = static_cast<int>(std::min<size_t>(buffer_bytes, 1 << 30));
  // The first goes beyond net.core.rmem_max, and needs the right to.
  if (setsockopt(*bound, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof wanted) != 0)
    setsockopt(*bound, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof wanted);
  return std::unique_ptr<UdpReceiver>(new UdpReceiver(*bound, std::min(max_message_bytes, kMaxDatagram)));
}

size_t UdpReceiver::buffer_bytes() const {
  int granted = 0;
  socklen_t size = sizeof granted;
  getsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &granted, &size);
  return static_cast<size_t>(granted);
}

bool UdpReceiver::Read(const Take& take) {
  for (int calls = 0; calls < kCalls; ++calls) {
    for (mmsghdr& message : burst_->messages) message.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
    // MSG_TRUNC: msg_len is that of the whole datagram, also where its end did not fit.
    const int n = recvmmsg(socket_, burst_->messages.data(), kBurst, MSG_DONTWAIT | MSG_TRUNC, nullptr);
    if (n <= 0) return false;
    for (size_t i = 0; i < static_cast<size_t>(n); ++i) {
      const size_t size = burst_->messages[i].msg_len;
      const char* const bytes = static_cast<const char*>(burst_->parts[i].iov_base);
      take(AddressOf(reinterpret_cast<const sockaddr*>(&burst_->peers[i])),
           {bytes, std::min(size, burst_->parts[i].iov_len)}, size);
    }
    if (static_cast<size_t>(n) < kBurst) return false;
  }
  return true;
}

// The counter that SO_RXQ_OVFL attaches to datagrams, asked for itself: so that a loss shows that no datagram
// follows. Source: socket(7), sock_diag(7).
uint64_t UdpReceiver::TakeLost() {
  std::array<uint32_t, SK_MEMINFO_VARS> info{};
  socklen_t size = sizeof info;
  if (getsockopt(socket_, SOL_SOCKET, SO_MEMINFO, info.data(), &size) != 0) return 0;
  const uint32_t lost = info[SK_MEMINFO_DROPS] - lost_;  // modulo 2^32, as the counter is
  lost_ = info[SK_MEMINFO_DROPS];
  return lost;
}

}  // namespace redthread
