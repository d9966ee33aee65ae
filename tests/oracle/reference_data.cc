#include "tests/oracle/reference_data.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace redthread {

namespace fs = std::filesystem;

std::optional<std::string> ReferencePath(const std::string& relative) {
  std::error_code error;
  const fs::path root = REDTHREAD_REFERENCE_DIR;
  if (!fs::is_directory(root / "oracle", error) || !fs::is_directory(root / "data", error))
    return std::nullopt;
  return (root / relative).string();
}

std::vector<std::string> SigmaRuleFolders() {
  const std::optional<std::string> packed = ReferencePath("data/sigma");
  std::error_code error;
  if (!packed) return {};
  const fs::path unpacked = fs::path(REDTHREAD_BINARY_DIR) / "reference" / "sigma";
  for (const fs::directory_entry& entry : fs::directory_iterator(*packed, error)) {
    if (entry.path().extension() != ".zst" || fs::exists(unpacked, error)) continue;
    // Another test may be at it too: each unpacks for itself, the first to rename wins.
    const fs::path own = unpacked.string() + "." + std::to_string(getpid());
    fs::create_directories(own, error);
    const std::string command = "tar --zstd -xf '" + entry.path().string() + "' -C '" + own.string() + "'";
    if (std::system(command.c_str()) == 0) fs::rename(own, unpacked, error);
    fs::remove_all(own, error);
  }
  std::vector<std::string> folders;
  for (const char* name :
       {"rules", "rules-compliance", "rules-emerging-threats", "rules-placeholder", "rules-threat-hunting"}) {
    for (const fs::directory_entry& entry : fs::directory_iterator(unpacked, error)) {
      if (fs::is_directory(entry.path() / name, error)) folders.push_back((entry.path() / name).string());
    }
  }
  return folders;
}

}  // namespace redthread
