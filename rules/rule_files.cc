#include "rules/rule_files.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "rules/read_file.h"

namespace redthread {
namespace {

namespace fs = std::filesystem;

bool IsRuleFileName(const fs::path& path) {
  return path.extension() == ".yml" || path.extension() == ".yaml";
}

class Finder {
 public:
  void Add(const std::string& path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (status.type() == fs::file_type::not_found) {
      Refuse(path, "no such file or folder, check the path");
    } else if (status.type() == fs::file_type::directory) {
      for (const std::string& file : FilesBelow(path)) AddFile(file, NameBelow(path, file));
    } else {
      AddFile(path, fs::path(path).filename().string());
    }
  }
  std::vector<FoundRuleFile> Take() { return std::move(found_); }

 private:
  void Refuse(const std::string& path, std::string why) { found_.push_back({path, {}, std::move(why)}); }

  void AddFile(const std::string& path, std::string name) {
    if (!seen_.insert(fs::path(path).lexically_normal().string()).second) return;
    found_.push_back({path, std::move(name), {}});
  }

  // `file` begins with `folder`, as directory_iterator made it.
  static std::string NameBelow(const std::string& folder, const std::string& file) {
    return file.substr(std::min(file.find_first_not_of('/', folder.size()), file.size()));
  }

  std::vector<std::string> FilesBelow(const std::string& folder) {
    std::vector<std::string> files;
    std::vector<fs::path> folders = {folder};
    while (!folders.empty()) {
      const fs::path current = std::move(folders.back());
      folders.pop_back();
      std::error_code error;
      for (fs::directory_iterator i(current, error), end; !error && i != end; i.increment(error)) {
        std::error_code ignored;  // what cannot be looked at is tried as a file, and reported there
        if (i->is_directory(ignored) && !i->is_symlink(ignored)) {
          folders.push_back(i->path());
        } else if (IsRuleFileName(i->path()) && i->is_other(ignored)) {
          Refuse(i->path().string(), "no regular file, remove it");  // a pipe would be waited for without end
        } else if (IsRuleFileName(i->path())) {
          files.push_back(i->path().string());
        }
      }
      if (error) Refuse(current.string(), "the folder cannot be read: " + error.message());
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  std::vector<FoundRuleFile> found_;
  std::set<std::string> seen_;
};

}  // namespace

Result<std::string> FoundRuleFile::Read() const {
  if (!wrong.empty()) return Status::Invalid(wrong);
  Result<std::string> text = ReadFile(path);
  if (text.ok()) return text;
  return Status(text.status().code(), "the file cannot be read: " + text.status().message());
}

std::vector<FoundRuleFile> FindRuleFiles(const std::vector<std::string>& paths) {
  Finder finder;
  for (const std::string& path : paths) finder.Add(path);
  return finder.Take();
}

}  // namespace redthread
