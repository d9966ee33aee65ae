#include "storage/database.h"

#include <rocksdb/db.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <set>
#include <vector>

#include "storage/row.h"
#include "tests/storage/storage_fixture.h"

namespace redthread {
namespace {

namespace fs = std::filesystem;

using DatabaseTest = StorageTest;

std::set<std::string> Files(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename());
  return names;
}

TEST_F(DatabaseTest, WhatWasCommittedIsThereAfterReopening) {
  Open();
  StateTransaction transaction(database_.get());
  transaction.Put(ColumnFamily::kGroup, "key", "value");
  ASSERT_TRUE(IsOk(transaction.Commit()));
  Open();
  std::string value;
  ASSERT_TRUE(IsOk(database_->Snapshot()->Get(ColumnFamily::kGroup, "key", &value)));
  EXPECT_EQ(value, "value");
  EXPECT_EQ(database_->Snapshot()->Get(ColumnFamily::kMatch, "key", &value).code(), StatusCode::kNotFound)
      << "families are apart";
}

TEST_F(DatabaseTest, ASnapshotDoesNotSeeLaterCommits) {
  Open();
  const std::unique_ptr<StateReader> before = database_->Snapshot();
  StateTransaction transaction(database_.get());
  transaction.Put(ColumnFamily::kGroup, "key", "value");
  ASSERT_TRUE(IsOk(transaction.Commit()));
  std::string value;
  EXPECT_EQ(before->Get(ColumnFamily::kGroup, "key", &value).code(), StatusCode::kNotFound);
  int rows = 0;
  const auto count = [&](std::string_view, std::string_view) { return ++rows > 0; };
  ASSERT_TRUE(IsOk(before->Scan(ColumnFamily::kGroup, {}, {}, count)));
  EXPECT_EQ(rows, 0);
  EXPECT_TRUE(IsOk(database_->Snapshot()->Get(ColumnFamily::kGroup, "key", &value)));
}

TEST_F(DatabaseTest, AMissingDatabaseIsMadeOnlyWhenAskedFor) {
  Database::Options options = OptionsFor(path_);
  options.create = false;
  EXPECT_TRUE(Fails(Database::Open(options).status(), StatusCode::kNotFound, "no state"));
  options.create = true;
  options.read_only = true;
  EXPECT_TRUE(Fails(Database::Open(options).status(), StatusCode::kNotFound, "no state"));
  EXPECT_FALSE(fs::exists(path_));
  options.path = "";
  EXPECT_EQ(Database::Open(options).status().code(), StatusCode::kInvalid);
}

TEST_F(DatabaseTest, AFolderThatHoldsSomethingElseIsNeverTouched) {
  fs::create_directory(path_);
  std::ofstream(path_ / "thesis.txt") << "ten years of work";
  EXPECT_TRUE(Fails(Database::Open(OptionsFor(path_)).status(), StatusCode::kCorrupt, "thesis.txt"));
  EXPECT_EQ(Files(path_), std::set<std::string>{"thesis.txt"});
}

TEST_F(DatabaseTest, OneThatWasKilledWhileItWasMadeIsMadeAnew) {
  const std::vector<const char*> made = {"LOCK", "000000.dbtmp", "IDENTITY", "MANIFEST-000001",
                                         "000001.dbtmp"};
  for (size_t n = 1; n <= made.size(); ++n) {
    fs::remove_all(path_);
    fs::create_directory(path_);
    for (size_t i = 0; i < n; ++i) std::ofstream(path_ / made[i]) << "half";
    const Result<std::unique_ptr<Database>> opened = Database::Open(OptionsFor(path_));
    EXPECT_TRUE(opened.ok()) << made[n - 1] << ": " << opened.status().message();
  }
}

TEST_F(DatabaseTest, ADatabaseThatLostItsCurrentFileIsNotStartedAnew) {
  Open();
  database_.reset();
  fs::remove(path_ / "CURRENT");
  const std::set<std::string> before = Files(path_);
  EXPECT_TRUE(Fails(Database::Open(OptionsFor(path_)).status(), StatusCode::kCorrupt, "no CURRENT"));
  EXPECT_EQ(Files(path_), before);
}

TEST_F(DatabaseTest, ASecondOpenerIsTurnedAwayWithAClearLine) {
  Open();
  EXPECT_TRUE(Fails(Database::Open(OptionsFor(path_)).status(), StatusCode::kUnavailable, "in use"));
}

TEST_F(DatabaseTest, AnotherProcessIsTurnedAwayWithAClearLine) {
  Open();
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    // A new program image, so that nothing of this process's RocksDB is in it.
    setenv("REDTHREAD_TEST_STATE", path_.c_str(), 1);
    dup2(ends[1], 1);
    execl("/proc/self/exe", "storage_test", "--gtest_also_run_disabled_tests", "--gtest_brief=1",
          "--gtest_filter=DatabaseTest.DISABLED_OpenTheFolderInTheEnvironment", nullptr);
    _exit(127);
  }
  close(ends[1]);
  std::string output;
  char buffer[512];
  for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) output.append(buffer, n);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_NE(output.find("is in use by process "), std::string::npos) << output;
}

// Not a test of its own: what the other process of the test above runs.
TEST_F(DatabaseTest, DISABLED_OpenTheFolderInTheEnvironment) {
  const char* path = getenv("REDTHREAD_TEST_STATE");
  if (path == nullptr) GTEST_SKIP();
  std::cout << Database::Open(OptionsFor(path)).status().message() << std::endl;
}

TEST_F(DatabaseTest, ReadersMayLookWhileTheWriterHasIt) {
  Open();
  StateTransaction transaction(database_.get());
  transaction.Put(ColumnFamily::kAlert, "key", "value");
  ASSERT_TRUE(IsOk(transaction.Commit()));
  const std::set<std::string> before = Files(path_);
  std::unique_ptr<Database> reader = OpenReadOnly(path_);
  ASSERT_NE(reader, nullptr);
  std::string value;
  EXPECT_TRUE(IsOk(reader->Snapshot()->Get(ColumnFamily::kAlert, "key", &value)));
  StateTransaction refused(reader.get());
  refused.Put(ColumnFamily::kAlert, "other", "value");
  EXPECT_TRUE(Fails(refused.Commit(), StatusCode::kInvalid, "reading only"));
  EXPECT_EQ(Files(path_), before) << "reading leaves no file behind";
}

TEST_F(DatabaseTest, AReaderOpensWhileTheWriterReplacesItsFiles) {
  Open();
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (int n = 0; !stop; ++n) {
      StateTransaction transaction(database_.get());
      transaction.Put(ColumnFamily::kGroup, "key", std::to_string(n));
      EXPECT_TRUE(transaction.Commit().ok());
      EXPECT_TRUE(database_->Flush().ok());
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  });
  Database::Options options = OptionsFor(path_);
  options.read_only = true;
  for (int n = 0; n < 50; ++n) {
    const auto reader = Database::Open(options);
    EXPECT_TRUE(reader.ok()) << reader.status().message();
  }
  stop = true;
  writer.join();
}

TEST_F(DatabaseTest, ANewerFormatIsRefusedByNumberAndStaysAsItIs) {
  Open();
  StateTransaction transaction(database_.get());
  transaction.Put(ColumnFamily::kMeta, "format", RowWriter().Varint(kStateFormat + 41).Finish("format"));
  ASSERT_TRUE(IsOk(transaction.Commit()));
  database_.reset();
  for (bool read_only : {false, true}) {
    Database::Options options = OptionsFor(path_);
    options.read_only = read_only;
    EXPECT_TRUE(Fails(Database::Open(options).status(), StatusCode::kInvalid, "has format 42"));
  }
}

TEST_F(DatabaseTest, RowsWithoutAFormatNumberAreRefused) {
  Open();
  StateTransaction transaction(database_.get());
  transaction.Delete(ColumnFamily::kMeta, "format");
  transaction.Put(ColumnFamily::kTimer, "key", "value");
  ASSERT_TRUE(IsOk(transaction.Commit()));
  database_.reset();
  EXPECT_TRUE(Fails(Database::Open(OptionsFor(path_)).status(), StatusCode::kInvalid, "no format number"));
}

TEST_F(DatabaseTest, ADamagedFormatNumberIsCorruption) {
  Open();
  StateTransaction transaction(database_.get());
  transaction.Put(ColumnFamily::kMeta, "format", "nonsense, and quite a lot of it");
  ASSERT_TRUE(IsOk(transaction.Commit()));
  database_.reset();
  EXPECT_TRUE(Fails(Database::Open(OptionsFor(path_)).status(), StatusCode::kCorrupt, "meta row format"));
}

TEST_F(DatabaseTest, AColumnFamilyOfANewerVersionIsRefusedWithItsFormat) {
  Open();
  StateTransaction transaction(database_.get());
  transaction.Put(ColumnFamily::kMeta, "format", RowWriter().Varint(9).Finish("format"));
  ASSERT_TRUE(IsOk(transaction.Commit()));
  database_.reset();
  {
    std::vector<std::string> names;
    ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, path_, &names).ok());
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const std::string& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open({}, path_, families, &handles, &db).ok());
    rocksdb::ColumnFamilyHandle* added = nullptr;
    ASSERT_TRUE(db->CreateColumnFamily({}, "incident", &added).ok());
    handles.push_back(added);
    for (rocksdb::ColumnFamilyHandle* handle : handles) db->DestroyColumnFamilyHandle(handle);
    delete db;
  }
  EXPECT_TRUE(Fails(Database::Open(OptionsFor(path_)).status(), StatusCode::kInvalid, "has format 9"));
}

TEST_F(DatabaseTest, AFolderWithoutRightsIsDenied) {
  if (geteuid() == 0) GTEST_SKIP() << "root has all rights";
  Open();
  database_.reset();
  fs::permissions(path_, fs::perms::none);
  EXPECT_EQ(Database::Open(OptionsFor(path_)).status().code(), StatusCode::kDenied);
  fs::permissions(path_, fs::perms::owner_all);
}

TEST_F(DatabaseTest, SizeGrowsWithWhatIsStoredAndMemoryStaysUnderItsCeiling) {
  Open();
  const Result<Database::Size> before = database_->MeasureSize();
  ASSERT_TRUE(IsOk(before));
  const std::string value(100'000, 'x');
  for (int step = 0; step < 40; ++step) {
    StateTransaction transaction(database_.get());
    for (int i = 0; i < 10; ++i) {
      transaction.Put(ColumnFamily::kEvent, std::to_string(step * 10 + i), value + std::to_string(i));
    }
    ASSERT_TRUE(IsOk(transaction.Commit()));
    const Result<Database::Size> size = database_->MeasureSize();
    ASSERT_TRUE(IsOk(size));
    // RocksDB starts to flush at its half of the 16 MiB; a memtable being flushed still counts.
    EXPECT_LT(size->memory_bytes, size_t{16} << 20) << step;
  }
  ASSERT_TRUE(IsOk(database_->Flush()));
  const Result<Database::Size> after = database_->MeasureSize();
  ASSERT_TRUE(IsOk(after));
  EXPECT_GT(after->disk_bytes, before->disk_bytes + 39'000'000);
}

}  // namespace
}  // namespace redthread
