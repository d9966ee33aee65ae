#include "app/config_value.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "core/text.h"
#include "core/time_zone.h"
#include "core/timestamp.h"
#include "rules/nearest_name.h"

namespace redthread {
namespace {

constexpr size_t kMaxSecretBytes = size_t{64} << 10;

struct Unit {
  const char* name;
  uint64_t bytes;
};
constexpr Unit kUnits[] = {
    {"KiB", 1ull << 10}, {"MiB", 1ull << 20}, {"GiB", 1ull << 30},   {"TiB", 1ull << 40}, {"kB", 1000},
    {"MB", 1000000},     {"GB", 1000000000},  {"TB", 1000000000000}, {"KB", 1000},        {"B", 1},
};

bool ValidHost(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  for (char c : host) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && c != '.' && c != '-' && c != '_') return false;
  }
  return true;
}

bool ValidUrl(std::string_view text) {
  size_t begin = 0;
  if (text.substr(0, 7) == "http://") begin = 7;
  if (text.substr(0, 8) == "https://") begin = 8;
  if (begin == 0 || text.find_first_of(" \t\r\n\v\f") != std::string_view::npos) return false;
  return text.size() > begin && text[begin] != '/';
}

// What to write instead.
const char* Expected(SettingType type) {
  switch (type) {
    case SettingType::kAddress:
      return "a host and port, such as 127.0.0.1:5514 or [::1]:5514";
    case SettingType::kUrl:
      return "a URL that begins with https:// or http://";
    case SettingType::kIp:
      return "an IP address or network, such as 203.0.113.7 or 10.0.0.0/8";
    case SettingType::kDuration:
      return "a duration with its unit, such as 90s, 5m, 24h or 7d";
    case SettingType::kSize:
      return "a size with its unit, such as 512MiB or 20GiB";
    case SettingType::kPercent:
      return "a percentage from 0% to 100%, such as 25%";
    case SettingType::kZone:
      return "a time zone, such as Europe/Berlin, UTC, +02:00 or local";
    case SettingType::kVersion:
      return "1, the only version of this file's form";
    case SettingType::kFlag:
      return "true or false";
    case SettingType::kCount:
      return "a whole number from 1 to 1000000";
    default:
      return "a text that is not empty";
  }
}

bool Valid(SettingType type, std::string_view text) {
  switch (type) {
    case SettingType::kAddress:
      return ParseHostPort(text).has_value();
    case SettingType::kUrl:
      return ValidUrl(text);
    case SettingType::kIp:
      return text.find(' ') == std::string_view::npos && ParseCidr(text).has_value();
    case SettingType::kDuration:
      return ParseTimespan(text).has_value();
    case SettingType::kSize:
      return ParseSize(text).has_value();
    case SettingType::kPercent:
      return ParsePercent(text).has_value();
    case SettingType::kZone:
      return TimeZone::Load(std::string(text)).ok();
    case SettingType::kVersion:
      return text == "1";
    case SettingType::kFlag:
      return text == "true" || text == "false";
    case SettingType::kCount:
      return ParseCount(text).has_value();
    default:
      return !text.empty();
  }
}

}  // namespace

std::optional<uint64_t> ParseSize(std::string_view text) {
  uint64_t n = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, n);
  if (error != std::errc()) return std::nullopt;
  const std::string_view unit(rest, static_cast<size_t>(end - rest));
  for (const Unit& u : kUnits) {
    uint64_t bytes = 0;
    if (unit == u.name && !__builtin_mul_overflow(n, u.bytes, &bytes)) return bytes;
  }
  return std::nullopt;
}

std::optional<uint64_t> ParseCount(std::string_view text) {
  constexpr uint64_t kMost = 1'000'000;
  uint64_t n = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, n);
  const bool good = error == std::errc() && rest == end && n > 0 && n <= kMost && text[0] != '0';
  return good ? std::optional<uint64_t>(n) : std::nullopt;
}

std::optional<double> ParsePercent(std::string_view text) {
  if (text.empty() || text.back() != '%') return std::nullopt;
  text.remove_suffix(1);
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;  // ParseDecimal takes a sign
  const std::optional<Number> number = ParseDecimal(text);
  if (!number) return std::nullopt;
  const double value = number->integral ? static_cast<double>(number->integer) : number->real;
  if (!(value >= 0 && value <= 100)) return std::nullopt;
  return value / 100;
}

std::optional<HostPort> ParseHostPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    const std::optional<IpAddress> address = ParseIpAddress(host);
    if (!address || !address->v6) return std::nullopt;
  } else if (!ValidHost(host)) {
    return std::nullopt;
  }
  uint16_t port = 0;
  const char* end = port_text.data() + port_text.size();
  const auto [rest, error] = std::from_chars(port_text.data(), end, port);
  if (error != std::errc() || rest != end || port_text[0] == '0') return std::nullopt;
  return HostPort{std::string(host), port};
}

std::string ValueProblem(const SettingSpec& spec, std::string_view text) {
  if (spec.type == SettingType::kChoice) {
    const std::vector<std::string_view> choices = SplitChoices(spec.choices);
    if (std::find(choices.begin(), choices.end(), text) != choices.end()) return "";
    return "`" + std::string(text) + "` is not one of " + JoinNames(choices) + Suggestion(text, choices, "");
  }
  if (Valid(spec.type, text)) return "";
  // A secret is never repeated, not even a wrong one.
  const std::string shown = spec.type == SettingType::kSecret ? "the secret" : "`" + std::string(text) + "`";
  return shown + " is not valid, write " + Expected(spec.type);
}

Result<std::string> ExpandVariables(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (text.substr(i, 3) == "$${") {
      out += "${";
      i += 3;
      continue;
    }
    if (text.substr(i, 2) != "${") {
      out += text[i++];
      continue;
    }
    const size_t end = text.find('}', i);
    if (end == std::string_view::npos) {
      return Status::Invalid("`${` without its `}`, write $${ for the characters themselves");
    }
    const std::string name(text.substr(i + 2, end - i - 2));
    const char* value = name.empty() ? nullptr : std::getenv(name.c_str());
    if (value == nullptr) return Status::Invalid("the environment variable `" + name + "` is not set");
    out += value;
    i = end + 1;
  }
  return out;
}

Result<std::string> ReadSecret(std::string_view text) {
  constexpr std::string_view kFile = "file:";
  if (text.substr(0, kFile.size()) != kFile) return std::string(text);
  const std::string path(text.substr(kFile.size()));
  std::ifstream file(path, std::ios::binary);
  std::string secret;
  char c = 0;
  while (secret.size() <= kMaxSecretBytes && file.get(c) && c != '\n') secret += c;
  if (!file.is_open() || file.bad()) {
    return Status::Io("cannot read the secret in " + path + ": " + std::strerror(errno));
  }
  if (!secret.empty() && secret.back() == '\r') secret.pop_back();
  if (secret.empty()) return Status::Invalid("the secret in " + path + " is empty: its first line counts");
  if (secret.size() > kMaxSecretBytes) {
    return Status::Invalid("the secret in " + path + " is longer than 64 KiB: is that the right file?");
  }
  return secret;
}

std::string MaskCredentials(std::string_view text) {
  const size_t scheme = text.find("://");
  if (scheme == std::string_view::npos) return std::string(text);
  const size_t begin = scheme + 3;
  const size_t host_end = std::min(text.find_first_of("/?#", begin), text.size());
  const size_t at = text.substr(0, host_end).rfind('@');
  if (at == std::string_view::npos || at < begin) return std::string(text);
  return std::string(text.substr(0, begin)) + "***" + std::string(text.substr(at));
}

}  // namespace redthread
