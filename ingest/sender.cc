#include "ingest/sender.h"

#include <arpa/inet.h>

#include <algorithm>
#include <functional>

namespace redthread {

namespace {

constexpr std::string_view kSyslog = "syslog:";
constexpr std::string_view kHttp = "http:";
constexpr std::string_view kOthers = "*";
constexpr size_t kMaxHostName = 255;

std::string_view NameOf(Transport transport) {
  switch (transport) {
    case Transport::kUdp:
      return "udp";
    case Transport::kTcp:
      return "tcp";
    case Transport::kHttp:
      return "http";
  }
  return "";
}

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

bool TakePrefix(std::string_view prefix, std::string_view* text) {
  if (text->substr(0, prefix.size()) != prefix) return false;
  text->remove_prefix(prefix.size());
  return true;
}

// "192.0.2.7" or "192.0.2.7/ws1".
std::optional<Sender> DecodePeer(std::string_view text, Transport transport) {
  const size_t slash = std::min(text.find('/'), text.size());
  const std::optional<IpAddress> address = ParseIpAddress(text.substr(0, slash));
  if (!address.has_value()) return std::nullopt;
  return Sender{address, transport, std::string(text.substr(slash))};
}

// Behind "http:INPUT:".
std::optional<Sender> DecodeHttp(std::string_view text) {
  Sender sender = Sender::Others(Transport::kHttp);
  if (text == kOthers) return sender;
  if (TakePrefix("token:", &text)) {
    sender.stream = text;
    return sender.stream.empty() ? std::nullopt : std::optional(sender);
  }
  return TakePrefix("peer:", &text) ? DecodePeer(text, Transport::kHttp) : std::nullopt;
}

}  // namespace

bool IsHostName(std::string_view text) {
  const auto is_part = [](char c) {
    const char lower = static_cast<char>(c | 0x20);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' ||
           c == ':';
  };
  return !text.empty() && text.size() <= kMaxHostName && std::all_of(text.begin(), text.end(), is_part);
}

size_t SenderHash::operator()(const Sender& sender) const {
  size_t seed = static_cast<size_t>(sender.transport);
  if (sender.address.has_value()) {
    const auto& bytes = sender.address->bytes;
    seed ^= std::hash<std::string_view>()({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  return seed ^ (std::hash<std::string>()(sender.stream) << 1);
}

std::string FormatIpAddress(const IpAddress& address) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(address.v6 ? AF_INET6 : AF_INET, address.bytes.data(), text, sizeof text);
  return text;
}

std::string SenderIdentity::Encode() const {
  const std::string address = sender.address.has_value() ? FormatIpAddress(*sender.address) : "";
  std::string text(sender.transport == Transport::kHttp ? kHttp : kSyslog);
  text.append(input).append(":");
  if (sender.transport != Transport::kHttp) text.append(NameOf(sender.transport)).append(":");
  if (sender.is_others()) return text.append(kOthers);
  if (sender.transport == Transport::kHttp) text += sender.address.has_value() ? "peer:" : "token:";
  return text + address + sender.stream;
}

std::optional<SenderIdentity> SenderIdentity::Decode(std::string_view text) {
  const bool is_http = TakePrefix(kHttp, &text);
  if (!is_http && !TakePrefix(kSyslog, &text)) return std::nullopt;
  const std::optional<std::string_view> input = NextPart(&text);
  if (!input.has_value()) return std::nullopt;
  if (is_http) {
    const std::optional<Sender> sender = DecodeHttp(text);
    return sender.has_value() ? std::optional(SenderIdentity{std::string(*input), *sender}) : std::nullopt;
  }
  const std::optional<std::string_view> transport_name = NextPart(&text);
  if (!transport_name.has_value()) return std::nullopt;
  const std::optional<Transport> transport = TransportOf(*transport_name);
  if (!transport.has_value()) return std::nullopt;
  SenderIdentity identity{std::string(*input), Sender::Others(*transport)};
  if (text == kOthers) return identity;
  std::optional<Sender> sender = DecodePeer(text, *transport);
  if (!sender.has_value()) return std::nullopt;
  identity.sender = std::move(*sender);
  return identity;
}

std::string SenderIdentity::Path() const {
  std::string path = input;
  path.append("/").append(NameOf(sender.transport)).append("/");
  if (sender.is_others()) return path + "others";
  return path + (sender.address.has_value() ? FormatIpAddress(*sender.address) : "") + sender.stream;
}

}  // namespace redthread
