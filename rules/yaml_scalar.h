// What an unquoted YAML scalar means: null, a boolean, a number or text.
//
// Source: YAML 1.1 types (yaml.org/type), in the form of PyYAML's SafeLoader, which is how rule authors'
// tools read them. So `yes`, `on` and `0x1F` are no text, `1e3` (no dot) and `0o17` are, and `1:30` is the
// number 90. Timestamps stay text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/text.h"
#include "rules/rule.h"
#include "rules/yaml.h"

namespace redthread {

// The value of a scalar node, without its file, line and column. Quoted and block scalars are text.
RawValue ResolveScalar(const YamlNode& scalar);

std::optional<bool> ParseYamlBool(std::string_view text);
std::optional<Number> ParseYamlNumber(std::string_view text);

// The text Sigma sees for a rule's number: an integer in decimal, all its digits; a float in its shortest
// form, an integral one without ".0". `value` is a number.
std::string NumberText(const RawValue& value);

}  // namespace redthread
