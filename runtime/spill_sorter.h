// SpillSorter: puts any number of rows in the order of their keys within a fixed amount of memory.
//
// Rows are collected in memory; when that is full they are sorted and written to an unlinked temporary file
// as one run. Reading merges the runs. Without a spill it is one sort in memory.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace redthread {

// One per thread; Add then Sorted.
class SpillSorter {
 public:
  struct Options {
    size_t max_bytes = 64 << 20;  // rows kept in memory before a run is written
    std::string folder;           // of the temporary files; empty: $TMPDIR, else /tmp
  };
  explicit SpillSorter(Options options);
  ~SpillSorter();

  // Keys are compared byte for byte. kIo when a run cannot be written (a full disk): the rows so far are
  // incomplete then.
  Status Add(std::string_view key, std::string_view value);

  // Calls visit(key, value) for every row in order; rows of equal keys in no stated order. Stops early when
  // visit returns an error and returns it. Ends the sorter's use.
  using Visitor = std::function<Status(std::string_view key, std::string_view value)>;
  Status Sorted(const Visitor& visit);

  uint64_t rows() const { return rows_; }
  size_t spilled_runs() const { return runs_.size(); }

 private:
  struct Row {
    size_t offset = 0;  // in bytes_: the key, then the value
    uint32_t key_size = 0;
    uint32_t value_size = 0;
  };
  class RunReader;
  std::string_view Key(const Row& r) const { return std::string_view(bytes_).substr(r.offset, r.key_size); }
  std::string_view Value(const Row& r) const {
    return std::string_view(bytes_).substr(r.offset + r.key_size, r.value_size);
  }
  void SortRows();
  Status Spill();
  Status Merge(const Visitor& visit);

  Options options_;
  std::string bytes_;
  std::vector<Row> rows_in_memory_;
  uint64_t rows_ = 0;
  struct CloseFile {
    void operator()(std::FILE* f) const { std::fclose(f); }
  };
  using File = std::unique_ptr<std::FILE, CloseFile>;
  std::vector<File> runs_;
};

}  // namespace redthread
