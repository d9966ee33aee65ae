// Senders of log messages over the loopback interface, as real ones are.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace redthread {

// One socket, connected to a port of this machine.
class TestSender {
 public:
  enum class Kind { kUdp, kTcp };
  // `from`: the address that it sends from; any of 127.0.0.0/8.
  TestSender(Kind kind, uint16_t port, const std::string& from = "127.0.0.1");
  ~TestSender();
  // A TCP connection, or null when nobody listens.
  static std::unique_ptr<TestSender> TryConnect(uint16_t port);
  TestSender(const TestSender&) = delete;
  TestSender& operator=(const TestSender&) = delete;

  // Of UDP one datagram. False when the other side is gone.
  bool Send(std::string_view bytes);
  // The same with a LF behind it.
  bool SendLine(std::string_view line) { return Send(std::string(line) + "\n"); }
  // Of TCP: the other side sees the end of what is sent.
  void EndSending();
  // Appends what has come, once something has. False when nothing comes for half a minute, and at the end.
  bool Receive(std::string* text);
  // Whether something has come, or the connection has ended.
  bool HasNews() const;
  // Whether the other side closes the connection within ten seconds.
  bool IsClosed();

 private:
  explicit TestSender(int socket) : socket_(socket) {}
  int socket_;
};

// A port that nobody listens on just now.
uint16_t FreePort();

}  // namespace redthread
