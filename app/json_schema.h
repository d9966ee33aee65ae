// The JSON Schema of the configuration file, for editors and for whoever writes configurations by program.
#pragma once

#include <string>

#include "app/config_schema.h"

namespace redthread {

// The schema of the form that the reader accepts, indented, with a line end. What a schema cannot know is
// left to the reader: whether a file is there, a variable set, a choice available in this version. Source:
// JSON Schema, draft 2020-12.
std::string ConfigJsonSchema();

// The regular expression (ECMAScript) that a value's whole text matches, without anchors; "" when any text
// that is not empty will do.
std::string PatternOf(SettingType type);

}  // namespace redthread
