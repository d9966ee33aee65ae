// SigmaHQ's rules, where the reference data stand beside the checkout.
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace redthread {

struct SigmaArchive {
  static constexpr char kPath[] = REDTHREAD_REFERENCE_DIR "/data/sigma/sigma-rules-8eaafff1.tar.zst";
  static constexpr const char* kActive[] = {"rules", "rules-compliance", "rules-emerging-threats",
                                            "rules-placeholder", "rules-threat-hunting"};

  // The text of every active rule, by its path.
  static std::map<std::string, std::string> Read() {
    std::map<std::string, std::string> files;
    archive* a = archive_read_new();
    archive_read_support_format_tar(a);
    archive_read_support_filter_all(a);
    EXPECT_EQ(archive_read_open_filename(a, kPath, 65536), ARCHIVE_OK) << archive_error_string(a);
    archive_entry* entry = nullptr;
    while (archive_read_next_header(a, &entry) == ARCHIVE_OK) {
      std::string path = archive_entry_pathname(entry);
      if (path.size() < 4 || path.substr(path.size() - 4) != ".yml") continue;
      std::string text(static_cast<size_t>(archive_entry_size(entry)), '\0');
      EXPECT_EQ(archive_read_data(a, text.data(), text.size()), static_cast<la_ssize_t>(text.size()));
      for (const char* folder : kActive) {
        const size_t at = path.find(std::string(folder) + "/");
        if (at == 0 || (at != std::string::npos && path[at - 1] == '/')) {
          files[path.substr(at)] = std::move(text);
          break;
        }
      }
    }
    archive_read_free(a);
    return files;
  }

  // All of them as files; the folders to load.
  static std::vector<std::string> Unpack(const TemporaryFolder& folder) {
    for (const auto& [path, text] : Read()) folder.Write(path, text);
    std::vector<std::string> paths;
    for (const char* name : kActive) paths.push_back(folder.path() + "/" + name);
    return paths;
  }
};

}  // namespace redthread
