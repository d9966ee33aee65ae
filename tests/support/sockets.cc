#include "tests/support/sockets.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace redthread {
namespace {

sockaddr_in Address(const std::string& ip, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  inet_pton(AF_INET, ip.c_str(), &address.sin_addr);
  return address;
}

bool Bind(int socket, const sockaddr_in& address) {
  return bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

TestSender::TestSender(Kind kind, uint16_t port, const std::string& from)
    : socket_(socket(AF_INET, (kind == Kind::kUdp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0)) {
  const sockaddr_in to = Address("127.0.0.1", port);
  EXPECT_TRUE(Bind(socket_, Address(from, 0)));
  EXPECT_EQ(connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
}

std::unique_ptr<TestSender> TestSender::TryConnect(uint16_t port) {
  const sockaddr_in to = Address("127.0.0.1", port);
  std::unique_ptr<TestSender> sender(new TestSender(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  const int connected = connect(sender->socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  return connected == 0 ? std::move(sender) : nullptr;
}

TestSender::~TestSender() { close(socket_); }

bool TestSender::Send(std::string_view bytes) {
  do {
    const ssize_t n = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  } while (!bytes.empty());
  return true;
}

void TestSender::EndSending() { shutdown(socket_, SHUT_WR); }

bool TestSender::Receive(std::string* text) {
  pollfd waiting{socket_, POLLIN, 0};
  if (poll(&waiting, 1, 30'000) <= 0) return false;
  char bytes[16 << 10];
  const ssize_t n = recv(socket_, bytes, sizeof bytes, 0);
  if (n <= 0) return false;
  text->append(bytes, static_cast<size_t>(n));
  return true;
}

bool TestSender::HasNews() const {
  pollfd waiting{socket_, POLLIN, 0};
  return poll(&waiting, 1, 0) > 0;
}

bool TestSender::IsClosed() {
  pollfd waiting{socket_, POLLIN, 0};
  if (poll(&waiting, 1, 10'000) <= 0) return false;
  char byte = 0;
  return recv(socket_, &byte, 1, 0) <= 0;
}

uint16_t FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_TRUE(Bind(fd, Address("127.0.0.1", 0)));
  sockaddr_in address{};
  socklen_t size = sizeof address;
  EXPECT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  close(fd);
  return ntohs(address.sin_port);
}

}  // namespace redthread
