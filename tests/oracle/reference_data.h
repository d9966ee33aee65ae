// Where tests find the reference data that may stand beside the checkout: vectors, rules, events.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace redthread {

// The path of a file or folder of the reference data; nothing when there is no reference data at all.
std::optional<std::string> ReferencePath(const std::string& relative);

// The folders of the active SigmaHQ rules, unpacked below the build folder on first use; empty when there is
// no reference data.
std::vector<std::string> SigmaRuleFolders();

}  // namespace redthread
