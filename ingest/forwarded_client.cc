#include "ingest/forwarded_client.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "ingest/text_field.h"

namespace redthread {

namespace {

bool Trusts(const std::vector<Cidr>& trusted, const IpAddress& address) {
  return std::any_of(trusted.begin(), trusted.end(),
                     [&](const Cidr& network) { return network.Contains(address); });
}

std::string_view Trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// "192.0.2.1", also with a port, "[2001:db8::1]:5", as some proxies write it: the address alone.
std::string_view WithoutPort(std::string_view text) {
  if (text.starts_with('[')) return text.substr(1, text.find(']') - 1);
  const size_t colon = text.find(':');
  return colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos
             ? text.substr(0, colon)
             : text;
}

// Empty when the header names nobody whom a trusted proxy vouches for.
std::string_view ClientOf(std::string_view header, const std::vector<Cidr>& trusted) {
  std::string_view client;
  for (int hop = 0; hop < ForwardedClient::kMaxHops && !header.empty(); ++hop) {
    const size_t comma = header.rfind(',');
    const bool last = comma == std::string_view::npos;
    const std::string_view word = WithoutPort(Trimmed(last ? header : header.substr(comma + 1)));
    const std::optional<IpAddress> address = ParseIpAddress(word);
    if (!address.has_value()) break;  // "unknown": whoever stands behind it is the last that is known
    client = word;
    if (!Trusts(trusted, *address) || last) break;
    header = header.substr(0, comma);
  }
  return client;
}

}  // namespace

void ForwardedClient::RegisterFields(FieldTable* fields) {
  for (const char* name : {"c-ip", "x-forwarded-for", "remote_addr", "http_x_forwarded_for", "proxy-ip"})
    fields->Add(name);
}

ForwardedClient::ForwardedClient(const FieldTable& fields)
    : fields_(fields),
      c_ip_(fields.Find("c-ip")),
      forwarded_for_(fields.Find("x-forwarded-for")),
      remote_addr_(fields.Find("remote_addr")),
      http_forwarded_for_(fields.Find("http_x_forwarded_for")),
      proxy_ip_(fields.Find("proxy-ip")) {}

void ForwardedClient::Set(const std::vector<Cidr>& trusted, Event* event) const {
  Replace(trusted, c_ip_, forwarded_for_, event);
  Replace(trusted, remote_addr_, http_forwarded_for_, event);
}

void ForwardedClient::Replace(const std::vector<Cidr>& trusted, FieldId peer, FieldId header,
                              Event* event) const {
  const uint32_t at = event->FirstField(peer);
  if (at == Event::kNoFieldIndex) return;
  const std::optional<std::string_view> peer_text = event->FirstText(peer);
  const std::optional<std::string_view> names = event->FirstText(header);
  if (!peer_text.has_value() || !names.has_value()) return;
  const std::optional<IpAddress> address = ParseIpAddress(*peer_text);
  if (!address.has_value() || !Trusts(trusted, *address)) return;
  const std::string_view client = ClientOf(*names, trusted);
  if (client.empty()) return;
  const NodeIndex proxy = event->fields()[at].node;
  Node node;
  node.key = fields_.Name(peer).data();
  node.key_size = static_cast<uint32_t>(fields_.Name(peer).size());
  node.key_id = peer;
  node.type = ValueType::kString;
  node.raw = client.data();
  node.raw_size = static_cast<uint32_t>(client.size());
  event->ReplaceValue(at, event->AddNode(node));
  event->AddField(fields_.Name(proxy_ip_), proxy, proxy_ip_);
}

}  // namespace redthread
