// What the tests of storage share: a real database in a folder of its own, and failures that say why.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "core/status.h"
#include "storage/database.h"
#include "storage/state_transaction.h"

namespace redthread {

inline ::testing::AssertionResult IsOk(const Status& status) {
  if (status.ok()) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << "code " << static_cast<int>(status.code()) << ": " << status.message();
}
template <typename T>
::testing::AssertionResult IsOk(const Result<T>& result) {
  return IsOk(result.status());
}

// Whether the status has that code and its message holds that text.
inline ::testing::AssertionResult Fails(const Status& status, StatusCode code, const std::string& text) {
  if (status.code() == code && status.message().find(text) != std::string::npos) {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure()
         << "code " << static_cast<int>(status.code()) << ": " << status.message();
}

class StorageTest : public ::testing::Test {
 protected:
  StorageTest() {
    std::string name = (std::filesystem::temp_directory_path() / "redthread_storage_XXXXXX").string();
    folder_ = mkdtemp(name.data());
    path_ = folder_ / "state";
  }
  ~StorageTest() override {
    database_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  Database::Options OptionsFor(const std::filesystem::path& path) const {
    Database::Options options;
    options.path = path;
    options.max_memory_bytes = size_t{16} << 20;
    return options;
  }

  void Open() {
    database_.reset();
    Result<std::unique_ptr<Database>> opened = Database::Open(OptionsFor(path_));
    ASSERT_TRUE(IsOk(opened));
    database_ = std::move(opened).value();
  }

  // Opens what lies on disk now beside the open database, as a reader does.
  std::unique_ptr<Database> OpenReadOnly(const std::filesystem::path& path) {
    Database::Options options = OptionsFor(path);
    options.read_only = true;
    Result<std::unique_ptr<Database>> opened = Database::Open(options);
    EXPECT_TRUE(IsOk(opened));
    return opened.ok() ? std::move(opened).value() : nullptr;
  }

  // What a crash at this instruction would leave: the files as they are, without closing anything.
  std::filesystem::path CopyAsAfterCrash() {
    const std::filesystem::path copy = folder_ / ("crashed" + std::to_string(copies_++));
    std::filesystem::copy(path_, copy, std::filesystem::copy_options::recursive);
    return copy;
  }

  std::filesystem::path folder_;
  std::filesystem::path path_;
  std::unique_ptr<Database> database_;
  int copies_ = 0;
};

}  // namespace redthread
