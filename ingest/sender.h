// Sender: who sends to a listener. Its own source for positions, watermarks and silence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/text.h"

namespace redthread {

enum class Transport : uint8_t { kUdp, kTcp, kHttp };  // TLS is kTcp, HTTPS is kHttp

struct Sender {
  // Of its end of the connection, IPv4 as such also where it came mapped into IPv6. Nothing of one that is
  // known by the token that it showed.
  std::optional<IpAddress> address;
  Transport transport = Transport::kUdp;
  // The name of that token, and "/" with the host that it says it sends for: "office", "office/ws1", of an
  // address "/ws1". Of syslog only hosts, and those only where the input tells them apart.
  std::string stream;
  bool operator==(const Sender&) const = default;

  // All those of an input that are more than can be told apart.
  static Sender Others(Transport transport) { return {std::nullopt, transport, {}}; }
  bool is_others() const { return !address.has_value() && stream.empty(); }
};

// Whether a host that somebody says it sends for can be part of a Sender: a name or an address, nothing else.
bool IsHostName(std::string_view text);

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

  // "syslog:net:udp:192.0.2.7", "syslog:net:udp:192.0.2.7/ws1"; of HTTP "http:push:token:office/ws1" or
  // "http:push:peer:192.0.2.7/ws1"; in the place of the address, or from "token" and "peer" on, "*" for
  // others.
  std::string Encode() const;
  // Nothing when `text` is no identity of a sender.
  static std::optional<SenderIdentity> Decode(std::string_view text);
  // For people: "net/udp/192.0.2.7", "net/udp/others", "push/http/office/ws1".
  std::string Path() const;
};

}  // namespace redthread
