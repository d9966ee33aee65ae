#include "app/resources.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

#ifndef REDTHREAD_BUILD_TREE
#error "REDTHREAD_BUILD_TREE comes from CMakeLists.txt"
#endif

namespace redthread {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> Places() {
  // A folder that was named is the only place: falling back would hide a typing error.
  const char* named = std::getenv("REDTHREAD_SHARE_DIR");
  if (named != nullptr && *named != '\0') return {named};
  std::vector<fs::path> places;
  std::error_code error;
  const fs::path binary = fs::read_symlink("/proc/self/exe", error);
  if (!error) places.push_back(binary.parent_path().parent_path() / "share" / "redthread");
  places.emplace_back(REDTHREAD_BUILD_TREE);
  return places;
}

}  // namespace

Result<Resources> FindResources() {
  std::string tried;
  for (const fs::path& place : Places()) {
    const fs::path rules = place / "rules";
    std::error_code error;
    if (fs::exists(rules / "logsources.yml", error)) {
      return Resources{(rules / "packs").string(), (rules / "logsources.yml").string(),
                       (rules / "entities.yml").string()};
    }
    tried += (tried.empty() ? "" : " and ") + rules.string();
  }
  return Status::NotFound("cannot find the shipped rules: looked in " + tried +
                          " for logsources.yml; set REDTHREAD_SHARE_DIR to the folder that has rules/");
}

}  // namespace redthread
