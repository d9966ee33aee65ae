#include "ingest/input_list.h"

#include <glob.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace redthread {

namespace {

namespace fs = std::filesystem;

Status ProblemOf(const std::string& path, const std::error_code& error) {
  const std::string message = path + ": " + error.message();
  if (error == std::errc::permission_denied || error == std::errc::operation_not_permitted) {
    return Status::Denied(message);
  }
  if (error == std::errc::no_such_file_or_directory) return Status::NotFound(message);
  return Status::Io(message);
}

// Depth is bounded by the longest path the system allows.
void AddFolder(const std::string& folder, InputList* list) {
  std::error_code error;
  std::vector<fs::directory_entry> entries;
  fs::directory_iterator it(folder, error);
  for (; !error && it != fs::directory_iterator(); it.increment(error)) entries.push_back(*it);
  if (error) list->problems.push_back(ProblemOf(folder, error));
  std::sort(entries.begin(), entries.end(), [](const fs::directory_entry& a, const fs::directory_entry& b) {
    return a.path().filename().native() < b.path().filename().native();
  });
  for (const fs::directory_entry& entry : entries) {
    const std::string path = folder + (folder.back() == '/' ? "" : "/") + entry.path().filename().native();
    std::error_code ignored;  // a link that leads nowhere is no file
    const fs::file_status status = entry.symlink_status(ignored);
    if (status.type() == fs::file_type::directory) {
      AddFolder(path, list);
    } else if (entry.is_regular_file(ignored)) {
      list->paths.push_back(path);
    }
  }
}

void AddExisting(const std::string& path, fs::file_type type, InputList* list) {
  if (type == fs::file_type::directory) {
    AddFolder(path, list);
  } else {
    list->paths.push_back(path);
  }
}

std::vector<std::string> Glob(const std::string& pattern) {
  std::vector<std::string> found;
  glob_t result{};
  if (::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &result) == 0) {
    found.assign(result.gl_pathv, result.gl_pathv + result.gl_pathc);
  }
  ::globfree(&result);
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

InputList ExpandInputs(const std::vector<std::string>& paths) {
  InputList list;
  for (const std::string& path : paths) {
    if (path == "-") {
      list.paths.push_back(path);
      continue;
    }
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (fs::exists(status)) {
      AddExisting(path, status.type(), &list);
      continue;
    }
    const std::vector<std::string> found =
        path.find_first_of("*?[") == std::string::npos ? std::vector<std::string>() : Glob(path);
    for (const std::string& match : found) {
      std::error_code ignored;
      AddExisting(match, fs::status(match, ignored).type(), &list);
    }
    if (!found.empty()) continue;
    if (!error) error = std::make_error_code(std::errc::no_such_file_or_directory);
    list.problems.push_back(ProblemOf(path, error));
  }
  return list;
}

}  // namespace redthread
