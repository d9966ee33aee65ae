#include "rules/install.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "core/text.h"

namespace redthread {
namespace {

namespace fs = std::filesystem;

struct FreeArchive {
  void operator()(archive* a) const { archive_read_free(a); }
};

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}
bool EndsWith(std::string_view text, std::string_view suffix) {
  return text.size() >= suffix.size() && text.substr(text.size() - suffix.size()) == suffix;
}

// One folder name that stays where it is put.
bool IsPlainName(std::string_view name) {
  if (name.empty() || name.size() > 100 || name[0] == '.') return false;
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
         std::string_view::npos;
}

std::vector<std::string_view> SplitPath(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    if (slash != 0) parts.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return parts;
}

// Whether a path could lead out of the folder that it is unpacked into.
bool LeadsOut(std::string_view path) {
  if (path.empty() || path[0] == '/' || path.find('\\') != std::string_view::npos) return true;
  for (const std::string_view part : SplitPath(path)) {
    if (part == ".." || part == ".") return true;
  }
  return path.find('\0') != std::string_view::npos;
}

bool IsRuleFolder(std::string_view name) { return name == "rules" || StartsWith(name, "rules-"); }

// The part of an archive's path that is kept, or "" for what is left out.
std::string KeptPath(std::string_view path) {
  std::vector<std::string_view> parts = SplitPath(path);
  const auto kept = [&] {
    const std::string_view name = parts.back();
    if (parts.size() == 1) return StartsWith(name, "LICENSE") || name == "version.txt";
    return IsRuleFolder(parts[0]) && EndsWith(name, ".yml");
  };
  if (parts.empty()) return {};
  if (!kept()) {
    parts.erase(parts.begin());  // the folder around all of it
    if (parts.empty() || !kept()) return {};
  }
  std::string joined(parts[0]);
  for (size_t i = 1; i < parts.size(); ++i) joined.append("/").append(parts[i]);
  return joined;
}

// The first YYYY-MM-DD in `text`.
std::string DateIn(std::string_view text) {
  static constexpr std::string_view kForm = "0000-00-00";
  for (size_t i = 0; i + kForm.size() <= text.size(); ++i) {
    size_t k = 0;
    while (k < kForm.size() &&
           (kForm[k] == '0' ? text[i + k] >= '0' && text[i + k] <= '9' : text[i + k] == '-'))
      ++k;
    if (k == kForm.size()) return std::string(text.substr(i, k));
  }
  return {};
}

// A folder beside the target that is removed again unless it has been moved into place.
class StagingFolder {
 public:
  ~StagingFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }

  Status Create(const std::string& target, const std::string& name) {
    std::error_code error;
    fs::create_directories(target, error);
    if (error) return Status::Io(target + ": " + error.message());
    std::string path = target + "/." + name + ".XXXXXX";
    if (mkdtemp(path.data()) == nullptr) return Status::Io(path + ": " + std::strerror(errno));
    path_ = path;
    if (chmod(path.c_str(), 0755) != 0) return Status::Io(path + ": " + std::strerror(errno));
    return Status::Ok();
  }

  // Puts the folder into the place of `destination`; what was there before is removed.
  Status MoveTo(const std::string& destination) {
    const int folder = open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 || syncfs(folder) != 0) {
      const Status status = Status::Io(path_ + ": " + std::strerror(errno));
      if (folder >= 0) close(folder);
      return status;
    }
    close(folder);
    if (rename(path_.c_str(), destination.c_str()) == 0) {
      path_.clear();
      return Status::Ok();
    }
    // There is a version already: swap the two in one step; the old one is then ours to remove.
    if (renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, destination.c_str(), RENAME_EXCHANGE) == 0) {
      return Status::Ok();
    }
    if (errno == EINVAL || errno == ENOSYS) return MoveInTwoSteps(destination);
    return Status::Io(destination + ": " + std::strerror(errno));
  }

  const std::string& path() const { return path_; }

 private:
  // For file systems that cannot swap. A crash in between leaves the old version under the staging name.
  Status MoveInTwoSteps(const std::string& destination) {
    const std::string old = path_ + ".old";
    if (rename(destination.c_str(), old.c_str()) != 0 || rename(path_.c_str(), destination.c_str()) != 0) {
      const Status status = Status::Io(destination + ": " + std::strerror(errno));
      rename(old.c_str(), destination.c_str());
      return status;
    }
    path_ = old;
    return Status::Ok();
  }

  std::string path_;
};

class Installer {
 public:
  Installer(const std::string& archive_path, const InstallLimits& limits)
      : archive_path_(archive_path), limits_(limits), archive_(archive_read_new()) {}

  Status Unpack(const std::string& folder, InstalledRules* installed) {
    archive_read_support_format_zip(archive_.get());
    archive_read_support_format_tar(archive_.get());
    archive_read_support_filter_all(archive_.get());
    if (archive_read_open_filename(archive_.get(), archive_path_.c_str(), kBlock) != ARCHIVE_OK)
      return ArchiveError();
    archive_entry* entry = nullptr;
    int result = ARCHIVE_OK;
    while ((result = archive_read_next_header(archive_.get(), &entry)) == ARCHIVE_OK ||
           result == ARCHIVE_WARN) {
      RT_RETURN_IF_ERROR(UnpackEntry(entry, folder, installed));
    }
    if (result != ARCHIVE_EOF) return ArchiveError();
    if (installed->rules == 0)
      return Refused("it holds no rules below `rules` or `rules-*`, take a SigmaHQ release");
    return Status::Ok();
  }

 private:
  static constexpr size_t kBlock = size_t{64} << 10;

  Status Refused(const std::string& why) const { return Status::Invalid(archive_path_ + ": " + why); }
  Status ArchiveError() const {
    const char* text = archive_error_string(archive_.get());
    const std::string message = archive_path_ + ": " + (text != nullptr ? Visible(text) : "cannot be read");
    return archive_errno(archive_.get()) == ENOENT ? Status::NotFound(message) : Status::Invalid(message);
  }

  Status UnpackEntry(archive_entry* entry, const std::string& folder, InstalledRules* installed) {
    if (++files_ > limits_.max_files) {
      return Status::Limit(archive_path_ + ": more than " + std::to_string(limits_.max_files) + " files");
    }
    const char* name = archive_entry_pathname_utf8(entry);
    if (name == nullptr) name = archive_entry_pathname(entry);
    const std::string path = name != nullptr ? name : "";
    if (LeadsOut(path)) return Refused("the path `" + Visible(path) + "` leads out of the archive");
    if (archive_entry_symlink(entry) != nullptr || archive_entry_hardlink(entry) != nullptr) {
      return Refused("`" + Visible(path) + "` is a link, and links are not unpacked");
    }
    if (archive_entry_filetype(entry) == AE_IFDIR) return Status::Ok();
    if (archive_entry_filetype(entry) != AE_IFREG)
      return Refused("`" + Visible(path) + "` is no regular file");
    const std::string kept = KeptPath(path);
    if (kept.empty()) return Status::Ok();
    if (!written_.insert(kept).second) return Refused("`" + Visible(path) + "` stands in it twice");
    RT_RETURN_IF_ERROR(WriteFile(folder + "/" + kept));
    if (EndsWith(kept, ".yml")) {
      ++installed->rules;
    } else if (StartsWith(kept, "LICENSE") && installed->licence_file.empty()) {
      installed->licence_file = kept;
    }
    return Status::Ok();
  }

  Status WriteFile(const std::string& path) {
    std::error_code error;
    fs::create_directories(fs::path(path).parent_path(), error);
    if (error) return Status::Io(path + ": " + error.message());
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    std::vector<char> block(kBlock);
    while (true) {
      const la_ssize_t got = archive_read_data(archive_.get(), block.data(), block.size());
      if (got < 0) return ArchiveError();
      if (got == 0) break;
      bytes_ += static_cast<uint64_t>(got);
      if (bytes_ > limits_.max_bytes) {
        return Status::Limit(archive_path_ + ": unpacks to more than " +
                             std::to_string(limits_.max_bytes >> 20) + " MiB");
      }
      file.write(block.data(), got);
    }
    file.close();
    if (!file) return Status::Io(path + ": cannot be written");
    return Status::Ok();
  }

  const std::string& archive_path_;
  const InstallLimits& limits_;
  std::unique_ptr<archive, FreeArchive> archive_;
  std::set<std::string> written_;
  size_t files_ = 0;
  uint64_t bytes_ = 0;
};

// The version as version.txt has it (its date, else its first line), else the date in the archive's name.
std::string VersionOf(const std::string& folder, const std::string& archive_path) {
  std::ifstream file(folder + "/version.txt");
  std::string line, first;
  for (int lines = 0; lines < 20 && std::getline(file, line); ++lines) {
    if (std::string date = DateIn(line); !date.empty()) return date;
    if (first.empty()) first = Visible(std::string_view(line).substr(0, 100));
  }
  if (!first.empty()) return first;
  const std::string date = DateIn(fs::path(archive_path).filename().string());
  return date.empty() ? "unknown" : date;
}

}  // namespace

Result<InstalledRules> InstallRules(const std::string& archive, const std::string& target,
                                    const std::string& name, const InstallLimits& limits) {
  if (!IsPlainName(name)) {
    return Status::Invalid("`" + Visible(name) +
                           "` is no name for a rule folder, use letters, digits, . _ and -");
  }
  InstalledRules installed;
  installed.folder = target + "/" + name;
  StagingFolder staging;
  RT_RETURN_IF_ERROR(staging.Create(target, name));
  RT_RETURN_IF_ERROR(Installer(archive, limits).Unpack(staging.path(), &installed));
  installed.version = VersionOf(staging.path(), archive);
  RT_RETURN_IF_ERROR(staging.MoveTo(installed.folder));
  return installed;
}

}  // namespace redthread
