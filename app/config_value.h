// Values of the configuration: what a text means as a duration, a size, an address, ...
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "app/config_schema.h"
#include "core/status.h"

namespace redthread {

// Bytes: "512MiB" (powers of 1024), "20GB" (powers of 1000), "100B". Nothing for anything else, and beyond 64
// bits.
std::optional<uint64_t> ParseSize(std::string_view text);

// "1000": from 1 to 1,000,000.
std::optional<uint64_t> ParseCount(std::string_view text);

// "25%", "0.5%": a part of 1, from 0 to 1.
std::optional<double> ParsePercent(std::string_view text);

struct HostPort {
  std::string host;
  uint16_t port = 0;
};
// "127.0.0.1:5514", "[::1]:5514", "siem.lan:6514". Ports from 1 to 65535.
std::optional<HostPort> ParseHostPort(std::string_view text);

// What is wrong with `text` as a value of that setting: one sentence that says what to write instead; "" when
// nothing is.
std::string ValueProblem(const SettingSpec& spec, std::string_view text);

// Replaces each ${NAME} by the environment variable of that name; $${ stands for ${ itself. kInvalid when a
// variable is not set or a ${ has no end.
Result<std::string> ExpandVariables(std::string_view text);

// A secret that stands in a file: of "file:/run/secrets/token" the first line of that file; any other text is
// the secret itself. kIo when the file cannot be read, kInvalid when it is empty or over 64 KiB.
Result<std::string> ReadSecret(std::string_view text);

// The text without the name and password of a URL: "https://***@siem.lan/".
std::string MaskCredentials(std::string_view text);

}  // namespace redthread
