#include "correlate/keyword_index.h"

#include <hs/hs.h>

#include <algorithm>

namespace redthread {

namespace {

// How text that JSON may write differently begins: \u00XX, and KELVIN SIGN, as \u212A and by its bytes.
constexpr std::string_view kHiding[] = {"\\u00", "\\u212", "\xE2\x84\xAA"};
constexpr size_t kShortestPiece = 3;

// Characters that JSON has no other way to write but \u00XX.
bool IsPlain(char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\' && c != '/'; }

// A number may be written in another way than its text: 1e3 for 1000.
bool LooksNumeric(std::string_view s) {
  return s.find_first_not_of("0123456789+-.e") == std::string_view::npos;
}

std::string_view LongestPlain(std::string_view literal) {
  std::string_view best;
  for (size_t i = 0; i < literal.size();) {
    size_t end = i;
    while (end < literal.size() && IsPlain(literal[end])) ++end;
    if (end - i > best.size()) best = literal.substr(i, end - i);
    i = end + 1;
  }
  return best;
}

}  // namespace

KeywordIndex::KeywordIndex() = default;
KeywordIndex::~KeywordIndex() = default;
KeywordIndex::KeywordIndex(KeywordIndex&&) noexcept = default;
KeywordIndex& KeywordIndex::operator=(KeywordIndex&&) noexcept = default;

KeywordIndex::Scratch::~Scratch() { hs_free_scratch(scratch_); }
void KeywordIndex::FreeDatabase::operator()(hs_database* database) const { hs_free_database(database); }

void KeywordIndex::Add(std::string_view literal, uint32_t owner) {
  const std::string_view piece = LongestPlain(literal);
  blind_ |= piece.size() < kShortestPiece || LooksNumeric(piece);
  const auto known = std::find(pieces_.begin(), pieces_.end(), piece);
  if (known != pieces_.end()) {
    owners_[static_cast<size_t>(known - pieces_.begin())].push_back(owner);
    return;
  }
  pieces_.emplace_back(piece);
  owners_.push_back({owner});
}

void KeywordIndex::Build() {
  if (blind_ || owners_.empty()) return;
  std::vector<const char*> patterns;
  std::vector<unsigned> flags, ids;
  std::vector<size_t> sizes;
  const auto add = [&](std::string_view text, unsigned flag) {
    ids.push_back(static_cast<unsigned>(patterns.size()));
    patterns.push_back(text.data());
    sizes.push_back(text.size());
    flags.push_back(flag);  // not SINGLEMATCH: remembering what has matched would nearly double the time
  };
  for (const std::string& piece : pieces_) add(piece, HS_FLAG_CASELESS);
  for (const std::string_view hiding : kHiding) add(hiding, 0);
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  const hs_error_t compiled =
      hs_compile_lit_multi(patterns.data(), flags.data(), ids.data(), sizes.data(),
                           static_cast<unsigned>(patterns.size()), HS_MODE_BLOCK, nullptr, &database, &error);
  if (compiled != HS_SUCCESS) {
    hs_free_compile_error(error);
    blind_ = true;  // slower, and as right
    return;
  }
  database_.reset(database);
}

void KeywordIndex::Fit(Scratch* scratch) const {
  if (database_ != nullptr) hs_alloc_scratch(database_.get(), &scratch->scratch_);
}

bool KeywordIndex::Scan(std::string_view raw, Scratch* scratch, std::vector<uint64_t>* owners) const {
  if (blind_ || raw.empty()) return false;
  struct Hits {
    const KeywordIndex* index;
    std::vector<uint64_t>* owners;
    size_t last;
    bool hidden = false;
  } hits{this, owners, owners_.size()};
  const auto on_match = [](unsigned id, unsigned long long, unsigned long long, unsigned, void* context) {
    auto* h = static_cast<Hits*>(context);
    if (id >= h->index->owners_.size()) {
      h->hidden = true;
      return 1;  // stop
    }
    if (id == h->last) return 0;
    h->last = id;
    for (const uint32_t owner : h->index->owners_[id])
      (*h->owners)[owner >> 6] |= uint64_t{1} << (owner & 63);
    return 0;
  };
  const hs_error_t scanned = hs_scan(database_.get(), raw.data(), static_cast<unsigned>(raw.size()), 0,
                                     scratch->scratch_, on_match, &hits);
  return scanned == HS_SUCCESS && !hits.hidden;
}

}  // namespace redthread
