// Which files a list of rule paths names.
#pragma once

#include <string>
#include <vector>

#include "core/status.h"

namespace redthread {

struct FoundRuleFile {
  std::string path;   // to open it, and to show
  std::string name;   // below the path that was given; of a file that was given, its last part
  std::string wrong;  // why it is not even tried; else empty

  // Its text. The message of an error says what is wrong, without the path.
  Result<std::string> Read() const;
};

// Every *.yml and *.yaml below the given files and folders, in the order in which rules are loaded: of the
// paths as given, then sorted, so that a rule set does not depend on the order in which a disk keeps its
// names. No file twice. What cannot be looked at (a path that is not there, a pipe by the name of a rule)
// stands among them.
std::vector<FoundRuleFile> FindRuleFiles(const std::vector<std::string>& paths);

}  // namespace redthread
