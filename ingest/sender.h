// Sender: who sends to a listener. Its own source for positions, watermarks and silence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/text.h"

namespace redthread {

enum class Transport : uint8_t { kUdp, kTcp };  // TLS is kTcp

struct Sender {
  // Of its end of the connection, IPv4 as such also where it came mapped into IPv6. Nothing: all those of an
  // input that are more than can be told apart.
  std::optional<IpAddress> address;
  Transport transport = Transport::kUdp;
  bool operator==(const Sender&) const = default;
};

struct SenderHash {
  size_t operator()(const Sender& sender) const;
};

// "192.0.2.7", "2001:db8::1"
std::string FormatIpAddress(const IpAddress& address);

// What the database knows a sender by.
struct SenderIdentity {
  std::string input;  // the name that the configuration gives the listener
  Sender sender;
  bool operator==(const SenderIdentity&) const = default;

  // "syslog", input, transport and address, colons between: "syslog:net:udp:192.0.2.7"; without an address
  // "*".
  std::string Encode() const;
  // Nothing when `text` is no identity of a sender.
  static std::optional<SenderIdentity> Decode(std::string_view text);
  // For people: "net/udp/192.0.2.7", "net/udp/others".
  std::string Path() const;
};

}  // namespace redthread
