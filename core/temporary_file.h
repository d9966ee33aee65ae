// Temporary files without a name: they are gone when they are closed, however the process ends.
#pragma once

#include <string>

#include "core/status.h"

namespace redthread {

// Opens a new empty file in `folder` (empty: $TMPDIR, else /tmp) for reading and writing, already unlinked.
// The caller closes it. Io when the folder cannot take one; the message names it and says how to choose
// another.
Result<int> OpenTemporaryFile(const std::string& folder);

// Io: a temporary file in `folder`, as above, could not be `what` ("written") for the reason in errno.
Status TemporaryFileError(const char* what, const std::string& folder);

}  // namespace redthread
