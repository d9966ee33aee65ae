// LiteralIndex: finds exactly what a search for each literal alone finds.
#include "correlate/literal_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "tests/oracle/dice.h"

namespace redthread {
namespace {

using Anchor = LiteralIndex::Anchor;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

struct Entry {
  std::string literal;
  Anchor anchor = Anchor::kAnywhere;
};

LiteralIndex Indexed(const std::vector<Entry>& entries) {
  LiteralIndex index;
  for (uint32_t owner = 0; owner < entries.size(); ++owner)
    index.Add(entries[owner].literal, entries[owner].anchor, owner);
  index.Build();
  return index;
}

std::set<uint32_t> Found(const LiteralIndex& index, std::string_view text) {
  std::set<uint32_t> owners;
  index.Scan(text, [&owners](uint32_t owner) { owners.insert(owner); });
  return owners;
}

// By definition alone.
bool Stands(const Entry& e, std::string_view text) {
  switch (e.anchor) {
    case Anchor::kAnywhere:
      return memmem(text.data(), text.size(), e.literal.data(), e.literal.size()) != nullptr;
    case Anchor::kStart:
      return text.substr(0, e.literal.size()) == e.literal;
    case Anchor::kEnd:
      return text.size() >= e.literal.size() && text.substr(text.size() - e.literal.size()) == e.literal;
    case Anchor::kWhole:
      return text == e.literal;
  }
  return false;
}

TEST(LiteralIndexTest, AnEmptyIndexFindsNothing) {
  const LiteralIndex index = Indexed({});
  EXPECT_TRUE(index.empty());
  EXPECT_THAT(Found(index, "whatever stands here"), IsEmpty());
}

TEST(LiteralIndexTest, AnchorsSayWhereALiteralMustStand) {
  const LiteralIndex index = Indexed({{"powershell", Anchor::kAnywhere},
                                      {"powershell", Anchor::kStart},
                                      {"powershell", Anchor::kEnd},
                                      {"powershell", Anchor::kWhole}});
  EXPECT_THAT(Found(index, "a powershell b"), UnorderedElementsAre(0u));
  EXPECT_THAT(Found(index, "powershell b"), UnorderedElementsAre(0u, 1u));
  EXPECT_THAT(Found(index, "a powershell"), UnorderedElementsAre(0u, 2u));
  EXPECT_THAT(Found(index, "powershell"), UnorderedElementsAre(0u, 1u, 2u, 3u));
  EXPECT_THAT(Found(index, "powershel"), IsEmpty());
}

TEST(LiteralIndexTest, ALaterPlaceCountsWhereTheFirstIsNotAtTheAnchor) {
  const LiteralIndex index = Indexed({{".exe", Anchor::kEnd}, {"abab", Anchor::kEnd}});
  EXPECT_THAT(Found(index, "a.exe b.exe"), UnorderedElementsAre(0u));
  EXPECT_THAT(Found(index, "ababab"), UnorderedElementsAre(1u));
}

TEST(LiteralIndexTest, LiteralsShorterThanAGramAreFoundInTextsOfAnyLength) {
  const LiteralIndex index = Indexed({{"-e"}, {"x", Anchor::kStart}, {"abc", Anchor::kWhole}, {"longer"}});
  EXPECT_THAT(Found(index, ""), IsEmpty());
  EXPECT_THAT(Found(index, "x"), UnorderedElementsAre(1u));
  EXPECT_THAT(Found(index, "-e"), UnorderedElementsAre(0u));
  EXPECT_THAT(Found(index, "abc"), UnorderedElementsAre(2u));
  EXPECT_THAT(Found(index, "x is longer -e"), UnorderedElementsAre(0u, 1u, 3u));
}

TEST(LiteralIndexTest, EveryOwnerOfOneLiteralIsReported) {
  LiteralIndex index;
  for (const uint32_t owner : {7u, 3u, 7u, 9u}) index.Add("mimikatz", Anchor::kAnywhere, owner);
  index.Build();
  EXPECT_THAT(Found(index, "run mimikatz now"), UnorderedElementsAre(3u, 7u, 9u));
}

TEST(LiteralIndexTest, LiteralsMayHoldAnyBytes) {
  const std::string zeros("\0\0\0\0\0", 5);
  const LiteralIndex index = Indexed({{zeros}, {"\xff\xfe\xfd\xfc"}, {std::string("a\0b", 3)}});
  EXPECT_THAT(Found(index, std::string("..") + zeros + ".."), UnorderedElementsAre(0u));
  EXPECT_THAT(Found(index, "\xff\xfe\xfd\xfc"), UnorderedElementsAre(1u));
  EXPECT_THAT(Found(index, std::string("a\0b", 3)), UnorderedElementsAre(2u));
}

// Few letters, so that literals share grams, overlap, and stand in the texts.
std::string DrawText(Dice* dice, size_t letters, size_t max_size) {
  std::string text(dice->Below(max_size + 1), ' ');
  for (char& c : text) c = static_cast<char>('a' + dice->Below(letters));
  return text;
}

TEST(LiteralIndexTest, AgreesWithASearchForEachLiteralAlone) {
  size_t hits = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Dice dice(seed);
    const size_t letters = 2 + dice.Below(4);
    std::vector<Entry> entries;
    for (size_t i = 1 + dice.Below(60); i > 0; --i) {
      std::string literal = DrawText(&dice, letters, 9) + static_cast<char>('a' + dice.Below(letters));
      entries.push_back({std::move(literal), static_cast<Anchor>(dice.Below(4))});
    }
    const LiteralIndex index = Indexed(entries);
    for (int i = 0; i < 40; ++i) {
      // Now and then a literal with something around it.
      std::string text = DrawText(&dice, letters, 20);
      if (dice.Chance(50)) text += dice.Pick(entries).literal;
      if (dice.Chance(50)) text += DrawText(&dice, letters, 5);
      std::set<uint32_t> expected;
      for (uint32_t e = 0; e < entries.size(); ++e) {
        if (Stands(entries[e], text)) expected.insert(e);
      }
      hits += expected.size();
      ASSERT_EQ(Found(index, text), expected) << text;
    }
  }
  EXPECT_GT(hits, 10'000u) << "too little was found to prove much";
}

TEST(LiteralIndexTest, ManyLiteralsAreFoundAmongMany) {
  std::vector<Entry> entries;
  for (int i = 0; i < 20'000; ++i) entries.push_back({"literal number " + std::to_string(i) + ";"});
  const LiteralIndex index = Indexed(entries);
  for (uint32_t i = 0; i < 20'000; i += 97) {
    EXPECT_THAT(Found(index, "here is literal number " + std::to_string(i) + "; and more"),
                UnorderedElementsAre(i));
  }
  EXPECT_THAT(Found(index, "literal number 20000;"), IsEmpty());
}

}  // namespace
}  // namespace redthread
