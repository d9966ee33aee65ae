// Holds the folder graph of docs/architecture.md over the source tree: includes point left only, a library's
// headers stay in the folder that owns the library, and out of our headers where they can be.
//
// The checks work on text, one file at a time, so that the table below can show each of them failing.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace redthread {
namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string, std::less<>>;

// What a folder may include: of ours (itself besides), and of other people's.
struct Folder {
  Names ours;
  Names libraries;
};

// core  <-  ingest | rules | storage  <-  correlate | forward  <-  runtime  <-  app
const std::map<std::string, Folder, std::less<>>& Folders() {
  static const std::map<std::string, Folder, std::less<>> kFolders = {
      {"core", {{}, {"fmt", "spdlog", "prometheus", "absl", "xxhash"}}},
      {"ingest",
       {{"core"},
        {"simdjson", "librdkafka", "openssl", "libevent", "protobuf", "expat", "systemd", "zstd", "zlib",
         "xxhash"}}},
      {"rules", {{"core"}, {"libyaml", "re2", "libarchive", "xxhash"}}},
      {"storage", {{"core"}, {"rocksdb", "re2", "zstd", "xxhash"}}},
      {"correlate", {{"rules", "storage", "core"}, {"re2", "vectorscan", "xxhash"}}},
      {"forward", {{"storage", "core"}, {"libcurl", "openssl", "librdkafka", "protobuf"}}},
      {"runtime",
       {{"correlate", "forward", "ingest", "rules", "storage", "core"}, {"librdkafka", "prometheus"}}},
      {"app",
       {{"runtime", "correlate", "forward", "ingest", "rules", "storage", "core"},
        {"CLI11", "cpp-httplib", "nlohmann-json", "libyaml", "fmt", "spdlog", "prometheus"}}},
  };
  return kFolders;
}

// Libraries by how the path of their headers begins.
const std::vector<std::pair<std::string, std::string>>& Libraries() {
  static const std::vector<std::pair<std::string, std::string>> kLibraries = {
      {"fmt/", "fmt"},
      {"spdlog/", "spdlog"},
      {"prometheus/", "prometheus"},
      {"absl/", "absl"},
      {"xxhash.h", "xxhash"},
      {"simdjson.h", "simdjson"},
      {"librdkafka/", "librdkafka"},
      {"openssl/", "openssl"},
      {"event2/", "libevent"},
      {"google/protobuf/", "protobuf"},
      {"expat.h", "expat"},
      {"systemd/", "systemd"},
      {"zstd.h", "zstd"},
      {"zstd_errors.h", "zstd"},
      {"zlib.h", "zlib"},
      {"yaml.h", "libyaml"},
      {"re2/", "re2"},
      {"archive.h", "libarchive"},
      {"archive_entry.h", "libarchive"},
      {"rocksdb/", "rocksdb"},
      {"hs/", "vectorscan"},
      {"hs.h", "vectorscan"},
      {"curl/", "libcurl"},
      {"CLI/", "CLI11"},
      {"httplib.h", "cpp-httplib"},
      {"nlohmann/", "nlohmann-json"},
      {"gtest/", "googletest"},
      {"gmock/", "googletest"},
      {"rapidcheck", "rapidcheck"},
      {"benchmark/", "google-benchmark"},
  };
  return kLibraries;
}

// Libraries light enough for our own headers. Everything else stands in .cc files, behind a class of ours.
const Names& LightLibraries() {
  static const Names kLight = {"fmt"};
  return kLight;
}

// Headers of ours that show a library all the same, and why they must.
const std::map<std::string, Names, std::less<>>& HeaderExceptions() {
  static const std::map<std::string, Names, std::less<>> kExceptions = {
      {"storage/rocks.h", {"rocksdb"}},      // private to the folder: what its .cc files share of RocksDB
      {"ingest/rdkafka.h", {"librdkafka"}},  // the same of librdkafka
  };
  return kExceptions;
}

// C and POSIX headers; those of the C++ library have no dot in their name.
bool IsSystemHeader(std::string_view header) {
  static const Names kHeaders = {"assert.h",  "cpuid.h",  "dirent.h",      "errno.h",     "fcntl.h",
                                 "fnmatch.h", "glob.h",   "grp.h",         "immintrin.h", "netdb.h",
                                 "poll.h",    "pwd.h",    "signal.h",      "spawn.h",     "stdint.h",
                                 "stdio.h",   "stdlib.h", "string.h",      "strings.h",   "syslog.h",
                                 "termios.h", "time.h",   "unistd.h",      "emmintrin.h", "malloc.h",
                                 "limits.h",  "sched.h",  "sys/inotify.h", "tmmintrin.h"};
  if (header.find('.') == std::string_view::npos && header.find('/') == std::string_view::npos) return true;
  for (std::string_view folder : {"sys/", "arpa/", "netinet/", "net/", "linux/"}) {
    if (header.substr(0, folder.size()) == folder) return true;
  }
  return kHeaders.count(header) != 0;
}

std::optional<std::string> LibraryOf(std::string_view header) {
  for (const auto& [prefix, library] : Libraries()) {
    if (header.substr(0, prefix.size()) == prefix) return library;
  }
  return std::nullopt;
}

// The header that a line includes, without its quotes or brackets.
std::optional<std::string> IncludedHeader(std::string_view line) {
  auto skip_blanks = [&line] { line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size())); };
  skip_blanks();
  if (line.empty() || line.front() != '#') return std::nullopt;
  line.remove_prefix(1);
  skip_blanks();
  constexpr std::string_view kInclude = "include";
  if (line.substr(0, kInclude.size()) != kInclude) return std::nullopt;
  line.remove_prefix(kInclude.size());
  skip_blanks();
  if (line.empty() || (line.front() != '"' && line.front() != '<')) return std::nullopt;
  const size_t end = line.find(line.front() == '<' ? '>' : '"', 1);
  if (end == std::string_view::npos) return std::nullopt;
  return std::string(line.substr(1, end - 1));
}

std::string FirstPart(std::string_view path) { return std::string(path.substr(0, path.find('/'))); }

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// What is wrong with one include of the file at `path`; empty when nothing is.
std::string CheckInclude(const std::string& path, const std::string& header) {
  const auto own = Folders().find(FirstPart(path));
  const bool production = own != Folders().end();  // tests and benchmarks may include anything that is known
  const std::string folder = FirstPart(header);
  if (Folders().count(folder) != 0 && folder != header) {
    if (!production || folder == own->first || own->second.ours.count(folder) != 0) return "";
    return own->first + " may not include from " + folder;
  }
  if ((folder == "tests" || folder == "bench") && folder != header) {
    return production ? "production code includes a test's header" : "";
  }
  if (const std::optional<std::string> library = LibraryOf(header)) {
    if (!production) return "";
    if (own->second.libraries.count(*library) == 0)
      return *library + " belongs to another folder than " + own->first;
    if (!EndsWith(path, ".h") || LightLibraries().count(*library) != 0) return "";
    const auto exception = HeaderExceptions().find(path);
    if (exception != HeaderExceptions().end() && exception->second.count(*library) != 0) return "";
    return *library + " shows in a header: hide it in the .cc file";
  }
  if (IsSystemHeader(header)) return "";
  return "neither a path from the repository root nor a known library's header";
}

// All that is wrong with a source file: `path` from the repository root, with slashes.
std::vector<std::string> CheckSource(const std::string& path, const std::string& text) {
  std::vector<std::string> problems;
  bool pragma_once = false;
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (line == "#pragma once") pragma_once = true;
    const std::optional<std::string> header = IncludedHeader(line);
    if (!header) continue;
    const std::string problem = CheckInclude(path, *header);
    if (!problem.empty())
      problems.push_back(path + ":" + std::to_string(number) + ": " + *header + ": " + problem);
  }
  if (EndsWith(path, ".h") && !pragma_once) problems.push_back(path + ": no #pragma once");
  return problems;
}

// Lines of any text file that name a place on the machine it was written on.
std::vector<std::string> CheckPlaces(const std::string& path, const std::string& text) {
  static const std::string kPlace = std::string("/wo") + "rk/";  // in two pieces, so as not to find itself
  std::vector<std::string> problems;
  for (size_t at = text.find(kPlace); at != std::string::npos; at = text.find(kPlace, at + 1)) {
    const char before = at == 0 ? ' ' : text[at - 1];
    if (std::isalnum(static_cast<unsigned char>(before)) != 0 || before == '.' || before == '}' ||
        before == '/')
      continue;
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    problems.push_back(path + ":" + std::to_string(line) + ": names a folder of one machine");
  }
  return problems;
}

// Every regular file of the checkout, from its root, but for what git and the build made.
std::vector<std::string> FilesOfTree() {
  const fs::path root = REDTHREAD_SOURCE_DIR;
  std::vector<std::string> files;
  for (auto it = fs::recursive_directory_iterator(root); it != fs::recursive_directory_iterator(); ++it) {
    const std::string name = it->path().filename().string();
    if (it.depth() == 0 && (name == ".git" || name == "build" || name == ".cache")) {
      it.disable_recursion_pending();
      continue;
    }
    if (it->is_regular_file()) files.push_back(it->path().lexically_relative(root).generic_string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string Read(const std::string& path) {
  std::ifstream in(fs::path(REDTHREAD_SOURCE_DIR) / path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(LayeringTest, IncludesPointLeftAndLibrariesStayHome) {
  size_t checked = 0;
  for (const std::string& path : FilesOfTree()) {
    if (!EndsWith(path, ".h") && !EndsWith(path, ".cc")) continue;
    ++checked;
    EXPECT_THAT(CheckSource(path, Read(path)), testing::IsEmpty());
  }
  EXPECT_GT(checked, 20u) << "the source tree was not found at " REDTHREAD_SOURCE_DIR;
}

TEST(LayeringTest, NoFileNamesAFolderOfOneMachine) {
  for (const std::string& path : FilesOfTree()) {
    EXPECT_THAT(CheckPlaces(path, Read(path)), testing::IsEmpty());
  }
}

struct Case {
  const char* path;
  const char* text;
  const char* problem;  // a part of the one complaint; empty: none
};

TEST(LayeringTest, TheCheckFindsWhatIsWrong) {
  const Case cases[] = {
      // Good ones.
      {"core/event.cc", "#include \"core/event.h\"\n#include <vector>\n#include <sys/stat.h>\n", ""},
      {"correlate/detector.cc", "#include \"rules/rule.h\"\n  #  include <re2/re2.h>\n", ""},
      {"storage/database.cc", "#include \"rocksdb/db.h\"\n", ""},
      {"core/log.h", "#pragma once\n#include <fmt/core.h>\n", ""},
      {"tests/app/cli_test.cc",
       "#include \"app/cli.h\"\n#include \"gtest/gtest.h\"\n#include \"tests/files.h\"\n", ""},
      {"core/event.cc", "// #include \"app/cli.h\"\n", ""},
      // Against the direction of the data.
      {"core/event.cc", "#include \"rules/rule.h\"\n",
       "core/event.cc:1: rules/rule.h: core may not include from rules"},
      {"ingest/decoder.cc", "\n#include \"storage/database.h\"\n", "ingest/decoder.cc:2: "},
      {"rules/loader.cc", "#include \"ingest/reader.h\"\n", "may not include from ingest"},
      {"correlate/detector.cc", "#include <ingest/reader.h>\n", "may not include from ingest"},
      {"runtime/loop.cc", "#include \"app/config.h\"\n", "may not include from app"},
      {"app/cli.cc", "#include \"tests/files.h\"\n", "a test's header"},
      // A library outside of its folder, or in a header.
      {"core/event.cc", "#include <simdjson.h>\n", "simdjson belongs to another folder than core"},
      {"runtime/loop.cc", "#include \"rocksdb/db.h\"\n", "rocksdb belongs to another folder"},
      {"app/cli.cc", "#include <archive.h>\n", "libarchive belongs to another folder"},
      {"storage/database.h", "#pragma once\n#include \"rocksdb/db.h\"\n",
       "storage/database.h:2: rocksdb/db.h: rocksdb shows"},
      {"core/event.cc", "#include <boost/asio.hpp>\n", "known library"},
      {"core/event.cc", "#include \"event.h\"\n", "path from the repository root"},
      {"tests/core/event_test.cc", "#include \"../../core/event.h\"\n", "path from the repository root"},
      // A header that may be read twice.
      {"core/event.h", "#ifndef EVENT_H\n#endif\n", "no #pragma once"},
  };
  for (const Case& c : cases) {
    const std::vector<std::string> problems = CheckSource(c.path, c.text);
    if (*c.problem == '\0') {
      EXPECT_THAT(problems, testing::IsEmpty()) << c.path << "\n" << c.text;
    } else {
      EXPECT_THAT(problems, testing::ElementsAre(testing::HasSubstr(c.problem))) << c.path << "\n" << c.text;
    }
  }
}

TEST(LayeringTest, TheCheckFindsFoldersOfOneMachine) {
  const std::string place = std::string("/wo") + "rk/";
  EXPECT_THAT(CheckPlaces("README.md", "see\n`" + place + "main`"),
              testing::ElementsAre("README.md:2: names a folder of one machine"));
  EXPECT_THAT(CheckPlaces("a.cc", place + "x"), testing::SizeIs(1));
  EXPECT_THAT(CheckPlaces("a.cc", "https://example.com" + place + "x"), testing::IsEmpty());
}

// The folder graph itself must have no cycle, and nothing may lie to the left of core.
TEST(LayeringTest, TheFolderGraphIsClosedAndAcyclic) {
  EXPECT_TRUE(Folders().at("core").ours.empty());
  for (const auto& [name, folder] : Folders()) {
    EXPECT_EQ(folder.ours.count(name), 0u) << name;
    for (const std::string& left : folder.ours) {
      ASSERT_EQ(Folders().count(left), 1u) << left;
      const Names& further = Folders().at(left).ours;
      EXPECT_TRUE(std::includes(folder.ours.begin(), folder.ours.end(), further.begin(), further.end()))
          << name << " may include " << left << " but not all that " << left << " stands on";
    }
  }
}

}  // namespace
}  // namespace redthread
