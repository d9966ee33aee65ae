// Installs a release archive of Sigma rules into a rule folder.
//
// An archive comes from the network: paths that lead out of the folder, links, devices, and more than it may
// unpack to are refused, and only rules, the licence and the version are taken. The new folder replaces the
// old one in a single step, so that a reader finds the one or the other, whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/status.h"

namespace redthread {

struct InstallLimits {
  uint64_t max_bytes =
      uint64_t{64} << 20;     // of everything unpacked; SigmaHQ's largest release has about 10 MiB
  size_t max_files = 20'000;  // in the archive; SigmaHQ has about 4,500
};

struct InstalledRules {
  std::string folder;        // where the rules are now: target/name
  std::string version;       // "2026-08-01": of version.txt, else of the archive's name; "unknown" if neither
  std::string licence_file;  // "LICENSE", within the folder; empty when the archive has none
  size_t rules = 0;          // files unpacked below rule folders
};

// Unpacks `archive` into target/name, replacing what was installed there under that name before; `target` is
// made if needed. Taken are *.yml below top-level folders `rules` and `rules-*`, LICENSE* and version.txt; a
// single folder around all of it ("sigma-r2026-08-01/") is taken off.
// Invalid when the archive or the name is refused or holds no rules, Limit when it is too large, NotFound or
// Io when something cannot be read or written. After a failure the target is as before.
Result<InstalledRules> InstallRules(const std::string& archive, const std::string& target,
                                    const std::string& name, const InstallLimits& limits = {});

}  // namespace redthread
