// Socket addresses: from "127.0.0.1:5514" to a bound socket, and from a peer's address to an IpAddress.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "core/status.h"
#include "core/text.h"

namespace redthread {

// A bound, non-blocking socket, for connections or for datagrams. `address`: "host:port", "[v6]:port"; a name
// is looked up, its first address counts; port 0: any that is free. The caller closes it. kInvalid when the
// address cannot be read or found; kDenied when it cannot be bound.
Result<int> BindSocket(const std::string& address, int type);

// The same, listening for connections. Errors as of BindSocket.
Result<int> ListenSocket(const std::string& address);

// The port that a socket is bound to.
uint16_t PortOf(int socket);

// IPv4 as such also where it comes mapped into IPv6 (::ffff:192.0.2.7).
IpAddress AddressOf(const sockaddr* address);

// Whether nobody outside of this machine can reach that "host:port".
bool IsLoopback(const std::string& address);

}  // namespace redthread
