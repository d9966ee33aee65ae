#include "runtime/rule_reload.h"

#include <sys/stat.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <system_error>
#include <utility>

namespace redthread {

namespace {

namespace fs = std::filesystem;

// One line of what tells a file from what it was before.
std::string LineOf(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return path + '\0' + "gone\n";
  std::string line = path + '\0';
  for (const auto number :
       {static_cast<int64_t>(info.st_ino), static_cast<int64_t>(info.st_size),
        static_cast<int64_t>(info.st_mtim.tv_sec), static_cast<int64_t>(info.st_mtim.tv_nsec)})
    line += std::to_string(number) + ' ';
  return line + '\n';
}

void AddFolder(const std::string& folder, std::vector<std::string>* lines) {
  std::error_code error;
  for (fs::recursive_directory_iterator i(folder, error), end; !error && i != end; i.increment(error)) {
    const fs::path& path = i->path();
    if (path.extension() == ".yml" || path.extension() == ".yaml") lines->push_back(LineOf(path.string()));
  }
  if (error) lines->push_back(folder + ": " + error.message());
}

}  // namespace

Hash128 FingerprintFiles(const std::vector<std::string>& paths) {
  std::vector<std::string> lines;
  for (const std::string& path : paths) {
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) {
      AddFolder(path, &lines);
    } else {
      lines.push_back(LineOf(path));
    }
  }
  // A folder's order is nothing that anybody changed.
  std::sort(lines.begin(), lines.end());
  std::string all;
  for (const std::string& line : lines) all += line;
  return HashBytes(all);
}

RuleReload::RuleReload(Options options, Clock* clock)
    : options_(std::move(options)),
      clock_(clock),
      looked_(clock->Elapsed()),
      seen_(FingerprintFiles(options_.paths)),
      taken_(seen_) {}

std::optional<RuleReload::Loaded> RuleReload::Poll() {
  try {
    if (look_.valid()) return Take();
    const Nanoseconds now = clock_->Elapsed();
    if (!requested_ && (!options_.watch || now - looked_ < options_.interval)) return std::nullopt;
    looked_ = now;
    look_ = std::async(std::launch::async, [this, requested = std::exchange(requested_, false)] {
      return LookAndLoad(requested);
    });
    return std::nullopt;
  } catch (const std::exception& e) {  // no thread or no memory for it; the set at work goes on
    return Loaded{{}, {}, Status::Limit(std::string("the rules cannot be loaded: ") + e.what())};
  }
}

std::optional<RuleReload::Loaded> RuleReload::Take() {
  if (look_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return std::nullopt;
  Look look = look_.get();
  seen_ = look.fingerprint;
  if (look.loaded.has_value()) taken_ = look.fingerprint;
  return std::move(look.loaded);
}

// In another thread; seen_ and taken_ stay as they are meanwhile.
RuleReload::Look RuleReload::LookAndLoad(bool requested) const {
  Look look;
  look.fingerprint = FingerprintFiles(options_.paths);
  const bool settled = look.fingerprint == seen_;
  if (!requested && (look.fingerprint == taken_ || !settled)) return look;
  Loaded loaded = options_.load();
  // What was written while it was read may be in it by half. The next looks will see it.
  if (requested || FingerprintFiles(options_.paths) == look.fingerprint) look.loaded = std::move(loaded);
  return look;
}

}  // namespace redthread
