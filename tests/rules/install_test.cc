#include "rules/install.h"

#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "rules/rule_set.h"
#include "tests/support/temporary_folder.h"

namespace redthread {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

struct ArchiveFile {
  std::string path;
  std::string text;
  std::string link = "";  // of symbolic links
};

std::string WriteZip(const std::string& path, const std::vector<ArchiveFile>& files) {
  archive* a = archive_write_new();
  archive_write_set_format_zip(a);
  EXPECT_EQ(archive_write_open_filename(a, path.c_str()), ARCHIVE_OK);
  for (const ArchiveFile& file : files) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, file.path.c_str());
    archive_entry_set_perm(entry, 0644);
    if (!file.link.empty()) {
      archive_entry_set_filetype(entry, AE_IFLNK);
      archive_entry_set_symlink(entry, file.link.c_str());
    } else {
      archive_entry_set_filetype(entry, file.path.back() == '/' ? AE_IFDIR : AE_IFREG);
      archive_entry_set_size(entry, static_cast<la_int64_t>(file.text.size()));
    }
    EXPECT_EQ(archive_write_header(a, entry), ARCHIVE_OK) << archive_error_string(a);
    if (!file.text.empty()) archive_write_data(a, file.text.data(), file.text.size());
    archive_entry_free(entry);
  }
  archive_write_free(a);
  return path;
}

std::string Read(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Names below a folder, hidden ones too.
std::vector<std::string> Listing(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  return names;
}

constexpr char kRule[] = "title: t\nid: a\nlogsource: {product: p}\ndetection: {s: {F: 1}, condition: s}\n";

TEST(InstallTest, TakesRulesLicenceAndVersionAndNothingElse) {
  TemporaryFolder folder;
  const std::string zip = WriteZip(folder.path() + "/sigma_all_rules.zip",
                                   {{"version.txt", "Sigma Release Package\nRelease: r2026-08-01\n"},
                                    {"LICENSE.Detection.Rules.md", "Detection Rule License 1.1\n"},
                                    {"rules/", ""},
                                    {"rules/windows/a.yml", kRule},
                                    {"rules-threat-hunting/b.yml", "x"},
                                    {"rules/windows/evil.sh", "#!/bin/sh\n"},
                                    {"deprecated/c.yml", "x"},
                                    {"tests/d.yml", "x"},
                                    {"README.md", "x"}});
  const Result<InstalledRules> installed = InstallRules(zip, folder.path() + "/target", "sigma");
  ASSERT_TRUE(installed.ok()) << installed.status().message();
  EXPECT_EQ(installed.value().version, "2026-08-01");
  EXPECT_EQ(installed.value().licence_file, "LICENSE.Detection.Rules.md");
  EXPECT_EQ(installed.value().rules, 2u);
  EXPECT_EQ(installed.value().folder, folder.path() + "/target/sigma");
  EXPECT_EQ(Read(folder.path() + "/target/sigma/rules/windows/a.yml"), kRule);
  EXPECT_EQ(Read(folder.path() + "/target/sigma/LICENSE.Detection.Rules.md"), "Detection Rule License 1.1\n");
  EXPECT_THAT(Listing(folder.path() + "/target/sigma"),
              ::testing::UnorderedElementsAre("rules", "rules-threat-hunting", "version.txt",
                                              "LICENSE.Detection.Rules.md"));
  EXPECT_FALSE(fs::exists(folder.path() + "/target/sigma/rules/windows/evil.sh"));
  EXPECT_EQ(LoadRules({installed.value().folder + "/rules"}, {}).rules.size(), 1u);
}

TEST(InstallTest, TakesOffTheFolderAroundASourceArchive) {
  TemporaryFolder folder;
  const std::string zip =
      WriteZip(folder.path() + "/sigma-r2025-12-31.zip",
               {{"sigma-r2025-12-31/LICENSE", "DRL"}, {"sigma-r2025-12-31/rules/a.yml", kRule}});
  const Result<InstalledRules> installed = InstallRules(zip, folder.path(), "sigma");
  ASSERT_TRUE(installed.ok()) << installed.status().message();
  EXPECT_EQ(installed.value().version, "2025-12-31");
  EXPECT_EQ(installed.value().licence_file, "LICENSE");
  EXPECT_TRUE(fs::exists(folder.path() + "/sigma/rules/a.yml"));
}

TEST(InstallTest, ANewVersionReplacesTheOldOneWhole) {
  TemporaryFolder folder;
  const std::string target = folder.path() + "/target";
  ASSERT_TRUE(
      InstallRules(WriteZip(folder.path() + "/1.zip", {{"rules/old.yml", kRule}}), target, "sigma").ok());
  ASSERT_TRUE(
      InstallRules(WriteZip(folder.path() + "/2.zip", {{"rules/new.yml", kRule}}), target, "sigma").ok());
  EXPECT_THAT(Listing(target + "/sigma/rules"), ::testing::ElementsAre("new.yml"));
  EXPECT_THAT(Listing(target), ::testing::ElementsAre("sigma")) << "nothing is left beside it";
}

TEST(InstallTest, HostileArchivesAreRefusedAndLeaveTheOldVersion) {
  TemporaryFolder folder;
  const std::string target = folder.path() + "/target";
  ASSERT_TRUE(
      InstallRules(WriteZip(folder.path() + "/ok.zip", {{"rules/a.yml", kRule}}), target, "sigma").ok());
  InstallLimits limits;
  limits.max_bytes = 1000;
  limits.max_files = 5;
  const struct {
    const char* what;
    std::vector<ArchiveFile> files;
    StatusCode code;
    const char* message;
  } kCases[] = {
      {"path traversal", {{"rules/../../evil.yml", "x"}}, StatusCode::kInvalid, "leads out"},
      {"absolute path", {{"/etc/evil.yml", "x"}}, StatusCode::kInvalid, "leads out"},
      {"backslashes", {{"rules\\..\\evil.yml", "x"}}, StatusCode::kInvalid, "leads out"},
      {"symbolic link", {{"rules/a.yml", "", "/etc/passwd"}}, StatusCode::kInvalid, "is a link"},
      {"too much",
       {{"rules/a.yml", std::string(600, 'x')}, {"rules/b.yml", std::string(600, 'x')}},
       StatusCode::kLimit,
       "unpacks to more than"},
      {"too many files",
       {{"a", "x"}, {"b", "x"}, {"c", "x"}, {"d", "x"}, {"e", "x"}, {"rules/f.yml", "x"}},
       StatusCode::kLimit,
       "more than 5 files"},
      {"the same file twice", {{"rules/a.yml", "x"}, {"rules/a.yml", "y"}}, StatusCode::kInvalid, "twice"},
      {"no rules", {{"README.md", "x"}}, StatusCode::kInvalid, "holds no rules"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.what);
    const Status status =
        InstallRules(WriteZip(folder.path() + "/bad.zip", c.files), target, "sigma", limits).status();
    EXPECT_EQ(status.code(), c.code) << status.message();
    EXPECT_THAT(status.message(), HasSubstr(c.message));
    EXPECT_THAT(Listing(target), ::testing::ElementsAre("sigma"));
    EXPECT_THAT(Listing(target + "/sigma/rules"), ::testing::ElementsAre("a.yml"));
    EXPECT_FALSE(fs::exists(folder.path() + "/evil.yml"));
  }
}

TEST(InstallTest, WhatIsNoArchiveOrNoNameIsRefused) {
  TemporaryFolder folder;
  folder.Write("text.zip", "no archive at all");
  EXPECT_EQ(InstallRules(folder.path() + "/text.zip", folder.path(), "sigma").status().code(),
            StatusCode::kInvalid);
  EXPECT_EQ(InstallRules(folder.path() + "/none.zip", folder.path(), "sigma").status().code(),
            StatusCode::kNotFound);
  const std::string zip = WriteZip(folder.path() + "/ok.zip", {{"rules/a.yml", kRule}});
  for (const char* name : {"", "..", ".hidden", "a/b", "a b"}) {
    EXPECT_EQ(InstallRules(zip, folder.path(), name).status().code(), StatusCode::kInvalid) << name;
  }
}

}  // namespace
}  // namespace redthread
