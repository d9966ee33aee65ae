// The sample configuration that `redthread config init` writes.
#pragma once

#include <string>

namespace redthread {

// Every setting of the schema with its default, commented out, each under one sentence of what it does. The
// reader accepts it as it is.
std::string SampleConfig();

}  // namespace redthread
