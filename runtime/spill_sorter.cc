#include "runtime/spill_sorter.h"

#include <unistd.h>

#include <algorithm>
#include <queue>

#include "core/temporary_file.h"

namespace redthread {

// Reads one run row by row.
class SpillSorter::RunReader {
 public:
  explicit RunReader(std::FILE* file) : file_(file) { std::rewind(file_); }

  // False at the end of the run; *status says whether it is a clean one.
  bool Next(Status* status) {
    uint32_t sizes[2];
    const size_t n = std::fread(sizes, 1, sizeof sizes, file_);
    if (n == 0 && std::feof(file_) != 0) return false;
    if (n == sizeof sizes) {
      row_.resize(size_t{sizes[0]} + sizes[1]);
      key_size_ = sizes[0];
      if (std::fread(row_.data(), 1, row_.size(), file_) == row_.size()) return true;
    }
    *status = Status::Io("a temporary file of sorted results could not be read back");
    return false;
  }
  std::string_view key() const { return std::string_view(row_).substr(0, key_size_); }
  std::string_view value() const { return std::string_view(row_).substr(key_size_); }

 private:
  std::FILE* file_;
  std::string row_;
  size_t key_size_ = 0;
};

SpillSorter::SpillSorter(Options options) : options_(std::move(options)) {}

SpillSorter::~SpillSorter() = default;

Status SpillSorter::Add(std::string_view key, std::string_view value) {
  const size_t size = key.size() + value.size() + sizeof(Row);
  if (!rows_in_memory_.empty() &&
      bytes_.size() + rows_in_memory_.size() * sizeof(Row) + size > options_.max_bytes) {
    RT_RETURN_IF_ERROR(Spill());
  }
  rows_in_memory_.push_back(
      {bytes_.size(), static_cast<uint32_t>(key.size()), static_cast<uint32_t>(value.size())});
  bytes_.append(key);
  bytes_.append(value);
  ++rows_;
  return Status::Ok();
}

void SpillSorter::SortRows() {
  std::sort(rows_in_memory_.begin(), rows_in_memory_.end(),
            [this](const Row& a, const Row& b) { return Key(a) < Key(b); });
}

Status SpillSorter::Spill() {
  Result<int> fd = OpenTemporaryFile(options_.folder);
  if (!fd.ok()) return fd.status();
  File file(fdopen(*fd, "w+b"));
  if (file == nullptr) {
    close(*fd);
    return TemporaryFileError("opened", options_.folder);
  }
  SortRows();
  for (const Row& r : rows_in_memory_) {
    const uint32_t sizes[2] = {r.key_size, r.value_size};
    std::fwrite(sizes, 1, sizeof sizes, file.get());
    std::fwrite(bytes_.data() + r.offset, 1, size_t{r.key_size} + r.value_size, file.get());
  }
  if (std::fflush(file.get()) != 0 || std::ferror(file.get()) != 0)
    return TemporaryFileError("written", options_.folder);
  runs_.push_back(std::move(file));
  bytes_.clear();
  rows_in_memory_.clear();
  return Status::Ok();
}

Status SpillSorter::Sorted(const Visitor& visit) {
  if (!runs_.empty()) {
    if (!rows_in_memory_.empty()) RT_RETURN_IF_ERROR(Spill());
    return Merge(visit);
  }
  SortRows();
  for (const Row& r : rows_in_memory_) RT_RETURN_IF_ERROR(visit(Key(r), Value(r)));
  return Status::Ok();
}

Status SpillSorter::Merge(const Visitor& visit) {
  bytes_ = {};
  rows_in_memory_ = {};
  std::vector<RunReader> readers;
  for (const File& run : runs_) readers.emplace_back(run.get());
  const auto later = [&readers](size_t a, size_t b) { return readers[a].key() > readers[b].key(); };
  std::priority_queue<size_t, std::vector<size_t>, decltype(later)> next(later);
  Status status;
  for (size_t i = 0; i < readers.size(); ++i) {
    if (readers[i].Next(&status)) next.push(i);
  }
  while (status.ok() && !next.empty()) {
    const size_t i = next.top();
    next.pop();
    RT_RETURN_IF_ERROR(visit(readers[i].key(), readers[i].value()));
    if (readers[i].Next(&status)) next.push(i);
  }
  return status;
}

}  // namespace redthread
