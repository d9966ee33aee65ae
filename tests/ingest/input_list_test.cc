#include "ingest/input_list.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/ingest/ingest_fixture.h"

namespace redthread {
namespace {

class InputListTest : public ::testing::Test {
 protected:
  InputListTest() {
    for (const char* name : {"b.log", "a.log", "c[1].log"}) std::ofstream(folder_ / name) << "x\n";
    std::filesystem::create_directories(folder_ / "sub/deep");
    std::ofstream(folder_ / "sub/z.log") << "x\n";
    std::ofstream(folder_ / "sub/deep/y.log") << "x\n";
    std::filesystem::create_symlink("../a.log", folder_ / "sub/link.log");
    std::filesystem::create_directory_symlink("..", folder_ / "sub/loop");
    std::filesystem::create_symlink("nowhere", folder_ / "sub/broken");
    EXPECT_EQ(::mkfifo((folder_ / "sub/pipe").c_str(), 0600), 0);
  }
  // The paths found, without the folder they are in.
  std::vector<std::string> Expand(std::vector<std::string> paths) {
    for (std::string& p : paths) {
      if (p != "-") p = p.empty() ? folder_.path() : folder_ / p;
    }
    list_ = ExpandInputs(paths);
    std::vector<std::string> out;
    for (const std::string& p : list_.paths) {
      out.push_back(p.starts_with(folder_.path()) ? p.substr(folder_.path().size() + 1) : p);
    }
    return out;
  }
  using Paths = std::vector<std::string>;

  TemporaryFolder folder_;
  InputList list_;
};

TEST_F(InputListTest, ExpandsFilesFoldersGlobsAndStandardInput) {
  EXPECT_EQ(Expand({"b.log", "a.log"}), (Paths{"b.log", "a.log"}));
  EXPECT_EQ(Expand({""}),
            (Paths{"a.log", "b.log", "c[1].log", "sub/deep/y.log", "sub/link.log", "sub/z.log"}));
  EXPECT_EQ(Expand({"sub/"}), (Paths{"sub/deep/y.log", "sub/link.log", "sub/z.log"}));
  EXPECT_EQ(Expand({"*.log"}), (Paths{"a.log", "b.log", "c[1].log"}));
  EXPECT_EQ(Expand({"s*"}), (Paths{"sub/deep/y.log", "sub/link.log", "sub/z.log"}));
  EXPECT_EQ(Expand({"c[1].log"}), (Paths{"c[1].log"}));
  EXPECT_EQ(Expand({"-"}), (Paths{"-"}));
  EXPECT_EQ(Expand({"sub/pipe"}), (Paths{"sub/pipe"}));
  EXPECT_TRUE(list_.problems.empty());
}

TEST_F(InputListTest, ReportsWhatIsNotThereAndGoesOn) {
  EXPECT_EQ(Expand({"absent", "a.log", "no*match", "sub/broken"}), (Paths{"a.log"}));
  ASSERT_EQ(list_.problems.size(), 3u);
  for (const Status& problem : list_.problems) EXPECT_EQ(problem.code(), StatusCode::kNotFound);
  EXPECT_NE(list_.problems[0].message().find("absent"), std::string::npos);
}

TEST_F(InputListTest, AFolderWithoutRightsIsAProblemAndTheOthersGoOn) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  ::chmod((folder_ / "sub/deep").c_str(), 0);
  EXPECT_EQ(Expand({"sub"}), (Paths{"sub/link.log", "sub/z.log"}));
  ::chmod((folder_ / "sub/deep").c_str(), 0700);
  ASSERT_EQ(list_.problems.size(), 1u);
  EXPECT_EQ(list_.problems[0].code(), StatusCode::kDenied);
}

}  // namespace
}  // namespace redthread
