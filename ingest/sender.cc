#include "ingest/sender.h"

#include <arpa/inet.h>

#include <functional>

namespace redthread {

namespace {

constexpr std::string_view kKind = "syslog:";
constexpr std::string_view kOthers = "*";

std::string_view NameOf(Transport transport) { return transport == Transport::kUdp ? "udp" : "tcp"; }

std::optional<Transport> TransportOf(std::string_view name) {
  for (const Transport transport : {Transport::kUdp, Transport::kTcp}) {
    if (name == NameOf(transport)) return transport;
  }
  return std::nullopt;
}

// Cuts off what stands before the next colon, and the colon.
std::optional<std::string_view> NextPart(std::string_view* text) {
  const size_t colon = text->find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view part = text->substr(0, colon);
  text->remove_prefix(colon + 1);
  return part;
}

}  // namespace

size_t SenderHash::operator()(const Sender& sender) const {
  size_t seed = static_cast<size_t>(sender.transport);
  if (sender.address.has_value()) {
    const auto& bytes = sender.address->bytes;
    seed ^= std::hash<std::string_view>()({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  return seed;
}

std::string FormatIpAddress(const IpAddress& address) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(address.v6 ? AF_INET6 : AF_INET, address.bytes.data(), text, sizeof text);
  return text;
}

std::string SenderIdentity::Encode() const {
  std::string text(kKind);
  text.append(input).append(":").append(NameOf(sender.transport)).append(":");
  return text + (sender.address.has_value() ? FormatIpAddress(*sender.address) : std::string(kOthers));
}

std::optional<SenderIdentity> SenderIdentity::Decode(std::string_view text) {
  if (text.substr(0, kKind.size()) != kKind) return std::nullopt;
  text.remove_prefix(kKind.size());
  const std::optional<std::string_view> input = NextPart(&text);
  const std::optional<std::string_view> transport_name = NextPart(&text);
  if (!input.has_value() || !transport_name.has_value()) return std::nullopt;
  const std::optional<Transport> transport = TransportOf(*transport_name);
  if (!transport.has_value()) return std::nullopt;
  SenderIdentity identity{std::string(*input), {{}, *transport}};
  if (text == kOthers) return identity;
  identity.sender.address = ParseIpAddress(text);
  if (!identity.sender.address.has_value()) return std::nullopt;
  return identity;
}

std::string SenderIdentity::Path() const {
  std::string path = input;
  path.append("/").append(NameOf(sender.transport)).append("/");
  return path + (sender.address.has_value() ? FormatIpAddress(*sender.address) : "others");
}

}  // namespace redthread
