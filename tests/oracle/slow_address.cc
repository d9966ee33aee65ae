#include <algorithm>
#include <cctype>

#include "tests/oracle/slow_value.h"

namespace redthread {
namespace {

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> out(1);
  for (const char c : text) {
    if (c == separator) {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

// One to `max_digits` digits of base 10 or 16, nothing else.
std::optional<int> SmallNumber(const std::string& text, size_t max_digits, int base) {
  if (text.empty() || text.size() > max_digits) return std::nullopt;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (base == 10 ? std::isdigit(u) == 0 : std::isxdigit(u) == 0) return std::nullopt;
  }
  return std::stoi(text, nullptr, base);
}

std::optional<std::vector<uint8_t>> ParseQuad(const std::string& text) {
  const std::vector<std::string> parts = Split(text, '.');
  if (parts.size() != 4) return std::nullopt;
  std::vector<uint8_t> bytes;
  for (const std::string& part : parts) {
    const std::optional<int> octet = SmallNumber(part, 3, 10);
    if (!octet || *octet > 255 || (part.size() > 1 && part[0] == '0')) return std::nullopt;
    bytes.push_back(static_cast<uint8_t>(*octet));
  }
  return bytes;
}

// The bytes of "a:b:1.2.3.4", one side of a "::" or the whole; a dotted quad only where `quad_allowed`.
std::optional<std::vector<uint8_t>> ParseGroups(const std::string& text, bool quad_allowed) {
  std::vector<uint8_t> bytes;
  if (text.empty()) return bytes;
  const std::vector<std::string> groups = Split(text, ':');
  for (size_t i = 0; i < groups.size(); ++i) {
    if (quad_allowed && i + 1 == groups.size() && groups[i].find('.') != std::string::npos) {
      const std::optional<std::vector<uint8_t>> quad = ParseQuad(groups[i]);
      if (!quad) return std::nullopt;
      bytes.insert(bytes.end(), quad->begin(), quad->end());
      continue;
    }
    const std::optional<int> group = SmallNumber(groups[i], 4, 16);
    if (!group) return std::nullopt;
    bytes.push_back(static_cast<uint8_t>(*group >> 8));
    bytes.push_back(static_cast<uint8_t>(*group & 0xFF));
  }
  return bytes;
}

// Source: RFC 4291, section 2.2; a zone (RFC 4007, section 11) is accepted and ignored.
std::optional<std::vector<uint8_t>> ParseV6(std::string text) {
  if (const size_t zone = text.find('%'); zone != std::string::npos) {
    if (zone + 1 == text.size() || text.find('%', zone + 1) != std::string::npos) return std::nullopt;
    text.resize(zone);
  }
  const size_t gap = text.find("::");
  if (gap == std::string::npos) {
    std::optional<std::vector<uint8_t>> bytes = ParseGroups(text, true);
    return bytes && bytes->size() == 16 ? bytes : std::nullopt;
  }
  const std::optional<std::vector<uint8_t>> head = ParseGroups(text.substr(0, gap), false);
  const std::optional<std::vector<uint8_t>> tail = ParseGroups(text.substr(gap + 2), true);
  // "::" stands for at least one group.
  if (!head || !tail || head->size() + tail->size() > 14) return std::nullopt;
  std::vector<uint8_t> bytes = *head;
  bytes.resize(16 - tail->size());
  bytes.insert(bytes.end(), tail->begin(), tail->end());
  return bytes;
}

}  // namespace

std::optional<SlowAddress> ParseSlowAddress(std::string_view text) {
  constexpr std::string_view kWhite = " \t\r\n\v\f";
  const size_t first = text.find_first_not_of(kWhite);
  if (first == std::string_view::npos) return std::nullopt;
  const std::string trimmed(text.substr(first, text.find_last_not_of(kWhite) + 1 - first));
  std::optional<std::vector<uint8_t>> bytes =
      trimmed.find(':') == std::string::npos ? ParseQuad(trimmed) : ParseV6(trimmed);
  if (!bytes) return std::nullopt;
  SlowAddress address;
  address.bits = static_cast<int>(bytes->size()) * 8;
  for (size_t i = 0; i < bytes->size(); ++i) address.bytes[i] = (*bytes)[i];
  return address;
}

std::optional<SlowNetwork> ParseSlowNetwork(std::string_view text) {
  const std::vector<std::string> parts = Split(std::string(text), '/');
  const std::optional<SlowAddress> address = ParseSlowAddress(parts[0]);
  if (!address || parts.size() > 2) return std::nullopt;
  if (parts.size() == 1) return SlowNetwork{*address, address->bits};
  const size_t zeros = std::min(parts[1].find_first_not_of('0'), parts[1].size() - 1);  // "/08" is "/8"
  const std::optional<int> prefix =
      parts[1].empty() ? std::nullopt : SmallNumber(parts[1].substr(zeros), 3, 10);
  if (!prefix || *prefix > address->bits) return std::nullopt;
  return SlowNetwork{*address, *prefix};
}

bool SlowContains(const SlowNetwork& network, const SlowAddress& address) {
  if (address.bits != network.address.bits) return false;
  for (int bit = 0; bit < network.prefix; ++bit) {
    const int mask = 0x80 >> (bit % 8);
    if ((address.bytes[bit / 8] & mask) != (network.address.bytes[bit / 8] & mask)) return false;
  }
  return true;
}

}  // namespace redthread
