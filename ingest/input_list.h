// InputList: what the paths of a command line mean: files, folders, globs, and "-".
#pragma once

#include <string>
#include <vector>

#include "core/status.h"

namespace redthread {

struct InputList {
  // Paths to open, which are also the inputs' names in all output: as given, or as found below a folder or by
  // a glob; never resolved.
  std::vector<std::string> paths;
  std::vector<Status> problems;  // one for each path, and each folder below one, that cannot be read
};

// Expands each path in turn: a folder to every regular file below it, in the order of their names, byte by
// byte (links to files count, links to folders are not followed below it); a path that does not exist and
// holds one of
// *?[ as a glob, sorted likewise. Anything else that exists is an input. Files are not opened: whether one
// can be read shows when it is.
InputList ExpandInputs(const std::vector<std::string>& paths);

}  // namespace redthread
