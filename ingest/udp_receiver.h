// UdpReceiver: datagrams in bursts, and how many the kernel had to drop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/status.h"
#include "core/text.h"

namespace redthread {

// One per thread. Owns its socket.
class UdpReceiver {
 public:
  // Takes a datagram; it lies there until the function returns. `size`: that of the whole of it, of which
  // `text` is the beginning.
  using Take = std::function<void(const IpAddress& peer, std::string_view text, uint64_t size)>;

  // `buffer_bytes`: what the kernel is asked to hold while nobody reads. Errors: those of BindSocket.
  static Result<std::unique_ptr<UdpReceiver>> Open(const std::string& address, size_t max_message_bytes,
                                                   size_t buffer_bytes);
  ~UdpReceiver();
  UdpReceiver(const UdpReceiver&) = delete;
  UdpReceiver& operator=(const UdpReceiver&) = delete;

  // Gives datagrams that have arrived, up to a few hundred. True when there may be more.
  bool Read(const Take& take);

  // Datagrams that were lost since the last call, for want of room in the kernel's buffer.
  uint64_t TakeLost();

  int socket() const { return socket_; }
  // What the kernel granted, in its own way of counting: about twice the bytes, and it counts overhead too.
  size_t buffer_bytes() const;

 private:
  struct Burst;  // the buffers of one system call

  UdpReceiver(int socket, size_t max_message_bytes);

  const int socket_;
  const std::unique_ptr<Burst> burst_;
  uint32_t lost_ = 0;  // the kernel's counter when it was last looked at
};

}  // namespace redthread
