#include "ingest/socket_address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

namespace redthread {

namespace {

struct HostAndPort {
  std::string host;
  std::string port;
};

HostAndPort Split(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) return {address, ""};
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return {host, address.substr(colon + 1)};
}

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Result<AddressList> Resolve(const std::string& address, int type) {
  const HostAndPort parts = Split(address);
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = type;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(parts.host.c_str(), parts.port.c_str(), &hints, &found);
  if (error != 0) return Status::Invalid("cannot listen on " + address + ": " + gai_strerror(error));
  return AddressList(found, &freeaddrinfo);
}

}  // namespace

Result<int> BindSocket(const std::string& address, int type) {
  const Result<AddressList> found = Resolve(address, type);
  if (!found.ok()) return found.status();
  const addrinfo& first = **found;
  const int fd = socket(first.ai_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  // A port whose last connections are still winding down can be listened on again.
  if (fd >= 0 && type == SOCK_STREAM) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (fd < 0 || bind(fd, first.ai_addr, first.ai_addrlen) != 0) {
    const std::string reason = std::generic_category().message(errno);
    if (fd >= 0) close(fd);
    return Status::Denied("cannot listen on " + address + ": " + reason);
  }
  return fd;
}

Result<int> ListenSocket(const std::string& address) {
  constexpr int kBacklog = 256;
  const Result<int> socket = BindSocket(address, SOCK_STREAM);
  if (!socket.ok() || listen(*socket, kBacklog) == 0) return socket;
  const std::string reason = std::generic_category().message(errno);
  close(*socket);
  return Status::Denied("cannot listen on " + address + ": " + reason);
}

uint16_t PortOf(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6*>(&address)->sin6_port);
  return ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

IpAddress AddressOf(const sockaddr* address) {
  IpAddress ip;
  if (address->sa_family == AF_INET) {
    std::memcpy(ip.bytes.data(), &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, 4);
  } else if (address->sa_family == AF_INET6) {
    const in6_addr& v6 = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
    const bool mapped = IN6_IS_ADDR_V4MAPPED(&v6);
    ip.v6 = !mapped;
    std::memcpy(ip.bytes.data(), v6.s6_addr + (mapped ? 12 : 0), mapped ? 4 : 16);
  }
  return ip;
}

bool IsLoopback(const std::string& address) {
  const std::string host = Split(address).host;
  if (host == "localhost") return true;
  const std::optional<IpAddress> ip = ParseIpAddress(host);
  if (!ip.has_value()) return false;
  if (!ip->v6) return ip->bytes[0] == 127;
  const bool zeros = std::all_of(ip->bytes.begin(), ip->bytes.end() - 1, [](uint8_t b) { return b == 0; });
  return zeros && ip->bytes[15] == 1;
}

}  // namespace redthread
