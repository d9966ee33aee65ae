#include "ingest/record_reader.h"

#include <zlib.h>
#include <zstd.h>

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <random>

#include "tests/ingest/ingest_fixture.h"

namespace redthread {
namespace {

void WriteFile(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::string Gzip(std::string_view text) {
  z_stream z{};
  EXPECT_EQ(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(compressBound(text.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

std::string Zstd(std::string_view text, int window_log = 0) {
  std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), &ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  if (window_log != 0) {
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_enableLongDistanceMatching, 1);
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_windowLog, window_log);
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_contentSizeFlag, 0);
  }
  std::string out(ZSTD_compressBound(text.size()), '\0');
  const size_t n = ZSTD_compress2(context.get(), out.data(), out.size(), text.data(), text.size());
  EXPECT_FALSE(ZSTD_isError(n));
  out.resize(n);
  return out;
}

// A stream that gives its bytes in pieces of random size, as a pipe does.
class PiecewiseStream final : public ByteStream {
 public:
  PiecewiseStream(std::string bytes, size_t largest, unsigned seed)
      : bytes_(std::move(bytes)), largest_(largest), random_(seed) {}
  Result<size_t> Read(char* out, size_t size) override {
    const size_t piece = 1 + random_() % largest_;
    const size_t n = std::min({size, piece, bytes_.size() - at_});
    std::memcpy(out, bytes_.data() + at_, n);
    at_ += n;
    return n;
  }

 private:
  std::string bytes_;
  size_t largest_;
  size_t at_ = 0;
  std::mt19937 random_;
};

// All that a reader gives, in a form that can be compared.
struct Reading {
  std::vector<std::string> records;  // "index@cursor:text"
  std::vector<std::string> cut;      // "size bytes, index@cursor:text"
  IngestCounts counts;
  Status status;
};

Reading ReadAll(RecordReader* reader) {
  Reading all;
  RecordBatch batch;
  for (;;) {
    const Result<bool> more = reader->Next(&batch);
    if (!more.ok()) {
      all.status = more.status();
      EXPECT_FALSE(*reader->Next(&batch)) << "a failure is the end";
      return all;
    }
    if (!*more) return all;
    all.counts += batch.counts;
    for (const RecordBatch::Record& r : batch.records) {
      std::string text =
          std::to_string(r.index) + "@" + std::to_string(r.cursor) + ":" + std::string(r.text());
      if (r.cut_from == 0) {
        all.records.push_back(std::move(text));
      } else {
        all.cut.push_back(std::to_string(r.cut_from) + " bytes, " + std::move(text));
      }
    }
  }
}

Reading ReadFile(const std::string& path, const RecordReader::Options& options = {}) {
  auto reader = RecordReader::Open(path, path, options);
  if (!reader.ok()) {
    Reading failed;
    failed.status = reader.status();
    return failed;
  }
  return ReadAll(reader->get());
}

TEST(RecordReaderTest, WhatIsALine) {
  const TemporaryFolder folder;
  const std::string path = folder / "log";
  const struct {
    std::string bytes;
    std::vector<std::string> records;
    uint64_t lines, blank;
  } cases[] = {
      {"", {}, 0, 0},
      {"a\nb\n", {"0@2:a", "1@4:b"}, 2, 0},
      {"a\nb", {"0@2:a", "1@3:b"}, 2, 0},
      {"a\r\nb\r\n", {"0@3:a", "1@6:b"}, 2, 0},
      {"\n\r\na\n\n", {"2@5:a"}, 4, 3},
      {"\n", {}, 1, 1},
      {"a\rb\n", {"0@4:a\rb"}, 1, 0},
      {std::string("a\0b\n", 4), {std::string("0@4:a\0b", 7)}, 1, 0},
      {"\xEF\xBB\xBF"
       "a\nb\n",
       {"0@5:a", "1@7:b"},
       2,
       0},
      {"\xEF\xBB\xBF", {}, 0, 0},
      {"\xEF\xBB", {"0@2:\xEF\xBB"}, 1, 0},
      {std::string("\xFF\xFE"
                   "a\0\n\0\x3D\xD8\x00\xDE\n\0",
                   12),
       {"0@2:a", "1@7:\U0001F600"},
       2,
       0},
      {std::string("\xFE\xFF"
                   "\0a\0\n\xD8\x3D\0b",
                   10),
       {"0@2:a", "1@6:\uFFFDb"},
       2,
       0},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.bytes);
    WriteFile(path, c.bytes);
    const Reading all = ReadFile(path);
    EXPECT_TRUE(all.status.ok());
    EXPECT_EQ(all.records, c.records);
    EXPECT_EQ(all.counts.records, c.lines);
    EXPECT_EQ(all.counts.blank, c.blank);
  }
}

// Lines of every length around the limits, some blank, some with CR.
std::string SomeLines(unsigned seed, size_t lines, size_t longest) {
  std::mt19937 random(seed);
  std::string out;
  for (size_t i = 0; i < lines; ++i) {
    out.append(random() % (longest + 1), static_cast<char>('a' + i % 26));
    if (random() % 8 == 0) out.push_back('\r');
    out.push_back('\n');
  }
  return out + (seed % 2 == 0 ? "last" : "");
}

TEST(RecordReaderTest, AnyChunkingGivesTheSameRecords) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    const std::string bytes = SomeLines(seed, 200, 90);
    RecordReader::Options whole;
    whole.max_record_bytes = 70;
    RecordReader reference(std::make_unique<PiecewiseStream>(bytes, bytes.size(), seed), "x", whole);
    const Reading expected = ReadAll(&reference);
    EXPECT_EQ(expected.counts.bytes, bytes.size());
    EXPECT_GT(expected.counts.oversized, 0u);
    EXPECT_EQ(expected.records.size() + expected.counts.blank + expected.counts.oversized,
              expected.counts.records);
    for (const size_t batch_bytes : {size_t{1}, size_t{16}, size_t{64}, size_t{71}, size_t{5000}}) {
      RecordReader::Options options = whole;
      options.batch_bytes = batch_bytes;
      RecordReader reader(std::make_unique<PiecewiseStream>(bytes, 1 + seed, seed), "x", options);
      const Reading actual = ReadAll(&reader);
      EXPECT_EQ(actual.records, expected.records);
      EXPECT_EQ(actual.cut, expected.cut);
      EXPECT_EQ(actual.counts.bytes, expected.counts.bytes);
    }
  }
}

TEST(RecordReaderTest, OfALineOverTheLimitTheBeginningIsGivenAndTheRestGoesOn) {
  const TemporaryFolder folder;
  const std::string path = folder / "log";
  WriteFile(path, "first\n" + std::string(40 << 20, 'x') + "\nlast\n");
  const Reading all = ReadFile(path);
  EXPECT_TRUE(all.status.ok());
  EXPECT_EQ(all.records.size(), 2u);
  EXPECT_EQ(all.records.back(), "2@" + std::to_string(6 + (40 << 20) + 1 + 5) + ":last");
  ASSERT_EQ(all.cut.size(), 1u);
  const std::string head = std::to_string(40 << 20) + " bytes, 1@" + std::to_string(6 + (40 << 20) + 1) + ":";
  EXPECT_TRUE(all.cut[0].starts_with(head)) << all.cut[0].substr(0, 100);
  EXPECT_EQ(all.cut[0].size(), head.size() + RecordReader::Options().max_record_bytes);
  EXPECT_EQ(all.counts.oversized, 1u);
}

TEST(RecordReaderTest, PaddingBehindEveryRecordIsReadable) {
  RecordReader::Options options;
  options.batch_bytes = 64;
  RecordReader reader(std::make_unique<PiecewiseStream>(SomeLines(4, 100, 300), 50, 1), "x", options);
  RecordBatch batch;
  int sum = 0;
  for (;;) {
    const Result<bool> more = reader.Next(&batch);
    ASSERT_TRUE(more.ok());
    if (!*more) break;
    // The address sanitizer judges this.
    for (const RecordBatch::Record& r : batch.records) {
      for (size_t i = 0; i < Decoder::kPadding; ++i) sum += r.data[r.size + i];
    }
  }
  EXPECT_NE(sum, 0);
}

TEST(RecordReaderTest, CompressionIsSeenFromTheBytesNotTheName) {
  const TemporaryFolder folder;
  const std::string path = folder / "log.txt";
  const std::string text = SomeLines(2, 5000, 200);
  WriteFile(path, text);
  const Reading expected = ReadFile(path);
  ASSERT_GT(expected.records.size(), 4000u);
  const std::string half = text.substr(0, text.size() / 2);
  const std::string rest = text.substr(text.size() / 2);
  const struct {
    const char* what;
    std::string bytes;
  } cases[] = {
      {"gzip", Gzip(text)},
      {"gzip in two members", Gzip(half) + Gzip(rest)},
      {"gzip with an empty member", Gzip("") + Gzip(half) + Gzip("") + Gzip(rest)},
      {"gzip with zeros behind it", Gzip(text) + std::string(1000, '\0')},
      {"zstd", Zstd(text)},
      {"zstd in two frames", Zstd(half) + Zstd(rest)},
      {"zstd with a long window", Zstd(text, 30)},
      {"zstd behind a skippable frame", std::string("\x50\x2a\x4d\x18\x03\0\0\0abc", 11) + Zstd(text)},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    WriteFile(path, c.bytes);
    const Reading all = ReadFile(path);
    EXPECT_TRUE(all.status.ok()) << all.status.message();
    EXPECT_EQ(all.records, expected.records);
  }
}

TEST(RecordReaderTest, WhatStandsBeforeTheDamageIsDelivered) {
  const TemporaryFolder folder;
  const std::string path = folder / "log";
  std::string text;
  std::mt19937 random(7);
  for (int i = 0; i < 60000; ++i) text += "{\"n\":" + std::to_string(random()) + "}\n";
  WriteFile(path, text);
  const Reading whole = ReadFile(path);
  const auto flipped = [](std::string bytes) {
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x55);
    return bytes;
  };
  const struct {
    const char* what;
    std::string bytes;
    const char* message;
    size_t at_least;
  } cases[] = {
      {"gzip cut short", Gzip(text).substr(0, Gzip(text).size() / 2), "gzip data end before their end",
       20000},
      {"gzip without its trailer", Gzip(text).substr(0, Gzip(text).size() - 8), "gzip data end", 59999},
      {"gzip with a flipped byte", flipped(Gzip(text)), "damaged gzip data at byte", 0},
      {"gzip with text behind it", Gzip(text) + "junk", "no gzip data after the end of gzip data", 60000},
      {"zstd cut short", Zstd(text).substr(0, Zstd(text).size() / 2), "zstd data end before their end",
       20000},
      {"zstd with junk behind it", Zstd(text) + "junkjunkjunk", "damaged zstd data", 60000},
      {"zstd with a flipped byte", flipped(Zstd(text)), "damaged zstd data", 0},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    WriteFile(path, c.bytes);
    const Reading all = ReadFile(path);
    EXPECT_EQ(all.status.code(), StatusCode::kCorrupt);
    EXPECT_NE(all.status.message().find(c.message), std::string::npos) << all.status.message();
    EXPECT_NE(all.status.message().find(path), std::string::npos);
    ASSERT_GE(all.records.size(), c.at_least);
    // The last one may be cut; it is delivered all the same.
    if (std::string_view(c.what).find("flipped") != std::string_view::npos) continue;
    for (size_t i = 0; i + 1 < all.records.size(); ++i) ASSERT_EQ(all.records[i], whole.records[i]);
  }
}

TEST(RecordReaderTest, SaysWhyAnInputCannotBeOpened) {
  const TemporaryFolder folder;
  EXPECT_EQ(ReadFile(folder / "absent").status.code(), StatusCode::kNotFound);
  EXPECT_EQ(ReadFile(folder.path()).status.code(), StatusCode::kInvalid);
  EXPECT_NE(ReadFile(folder / "absent").status.message().find("absent"), std::string::npos);
  if (::geteuid() == 0) return;  // root may read everything
  WriteFile(folder / "secret", "x");
  ::chmod((folder / "secret").c_str(), 0);
  EXPECT_EQ(ReadFile(folder / "secret").status.code(), StatusCode::kDenied);
}

}  // namespace
}  // namespace redthread
