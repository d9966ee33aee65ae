// SpillSorter: whatever the memory it has, rows come in the order of their keys, none missing.
#include "runtime/spill_sorter.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

namespace redthread {
namespace {

using Row = std::pair<std::string, std::string>;

// Rows as they come out; those of one key in the order of their values.
std::vector<Row> Sorted(SpillSorter* sorter) {
  std::vector<Row> rows;
  const Status status = sorter->Sorted([&rows](std::string_view key, std::string_view value) {
    EXPECT_TRUE(rows.empty() || rows.back().first <= key) << "out of order";
    rows.emplace_back(key, value);
    return Status::Ok();
  });
  EXPECT_TRUE(status.ok()) << status.message();
  std::stable_sort(rows.begin(), rows.end());
  return rows;
}

std::string DrawBytes(std::mt19937* random, size_t max_size) {
  std::string bytes((*random)() % (max_size + 1), ' ');
  for (char& c : bytes)
    c = static_cast<char>((*random)() % 4 == 0 ? (*random)() % 256 : 'a' + (*random)() % 3);
  return bytes;
}

TEST(SpillSorterTest, SortsLikeStableSortWithinAnyMemory) {
  for (const size_t max_bytes : {size_t{1}, size_t{200}, size_t{3000}, size_t{1} << 20}) {
    for (uint32_t seed = 1; seed <= 10; ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", " + std::to_string(max_bytes) + " bytes");
      std::mt19937 random(seed);
      SpillSorter sorter({max_bytes, {}});
      std::vector<Row> expected;
      for (size_t n = random() % 300; n > 0; --n) {
        const Row row{DrawBytes(&random, 6), DrawBytes(&random, 40)};
        ASSERT_TRUE(sorter.Add(row.first, row.second).ok());
        expected.push_back(row);
      }
      EXPECT_EQ(sorter.rows(), expected.size());
      if (max_bytes <= 200 && expected.size() > 50) {
        EXPECT_GT(sorter.spilled_runs(), 3u);
      } else if (max_bytes > 100'000) {
        EXPECT_EQ(sorter.spilled_runs(), 0u);
      }
      std::stable_sort(expected.begin(), expected.end());
      EXPECT_EQ(Sorted(&sorter), expected);
    }
  }
}

TEST(SpillSorterTest, NoRowsAreNoRows) {
  SpillSorter sorter({1, {}});
  EXPECT_TRUE(Sorted(&sorter).empty());
}

TEST(SpillSorterTest, AVisitorThatFailsEndsTheReadingWithItsStatus) {
  for (const size_t max_bytes : {size_t{1}, size_t{1} << 20}) {
    SpillSorter sorter({max_bytes, {}});
    for (const char* key : {"c", "a", "b"}) ASSERT_TRUE(sorter.Add(key, "").ok());
    int visited = 0;
    const Status status = sorter.Sorted([&visited](std::string_view, std::string_view) {
      return ++visited == 2 ? Status::Limit("enough") : Status::Ok();
    });
    EXPECT_EQ(status.code(), StatusCode::kLimit);
    EXPECT_EQ(visited, 2);
  }
}

TEST(SpillSorterTest, AFolderThatIsNotThereIsNamed) {
  SpillSorter sorter({1, "/nowhere/at/all"});
  ASSERT_TRUE(sorter.Add("a", "1").ok());
  const Status status = sorter.Add("b", "2");
  EXPECT_EQ(status.code(), StatusCode::kIo);
  EXPECT_NE(status.message().find("/nowhere/at/all"), std::string::npos) << status.message();
}

// A limit on the size of files stands for a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    before_signal_ = signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    signal(SIGXFSZ, before_signal_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*before_signal_)(int) = nullptr;
};

TEST(SpillSorterTest, AFullDiskIsAnErrorThatNamesTheFolder) {
  SpillSorter sorter({100'000, testing::TempDir()});
  Status status;
  {
    const FileSizeLimit limit(50'000);
    for (int i = 0; i < 1000 && status.ok(); ++i)
      status = sorter.Add(std::to_string(i), std::string(1000, 'x'));
  }
  EXPECT_EQ(status.code(), StatusCode::kIo);
  EXPECT_NE(status.message().find(testing::TempDir()), std::string::npos) << status.message();
  EXPECT_NE(status.message().find("TMPDIR"), std::string::npos) << status.message();
}

}  // namespace
}  // namespace redthread
