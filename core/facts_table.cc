#include "core/facts_table.h"

#include <limits>

namespace redthread {

namespace {

// Unambiguous: every text is preceded by its length.
void AppendText(const std::string& text, std::string* out) {
  out->append(std::to_string(text.size())).append(":").append(text);
}

void AppendTexts(const std::vector<std::string>& texts, std::string* out) {
  out->append(std::to_string(texts.size())).append(";");
  for (const std::string& text : texts) AppendText(text, out);
}

void AppendRenames(const FieldRenames& renames, std::string* out) {
  out->append(std::to_string(renames.size())).append(";");
  for (const auto& [from, to] : renames) {
    AppendText(from, out);
    AppendText(to, out);
  }
}

std::string AsText(const LogSourceFacts& facts) {
  std::string out;
  AppendTexts(facts.products, &out);
  AppendTexts(facts.services, &out);
  for (const LogSourceFacts::CategoryFact& c : facts.categories) {
    AppendText(c.category, &out);
    AppendRenames(c.renames, &out);
  }
  out.append("|");
  AppendRenames(facts.renames, &out);
  return out;
}

}  // namespace

FactsTable::FactsTable() {
  facts_.emplace_back();
  ids_.emplace(AsText(facts_[0]), kNoFacts);
  declared_.emplace_back();
}

FactsId FactsTable::Intern(const LogSourceFacts& facts) {
  return InternUpTo(facts, &by_configuration_, std::numeric_limits<size_t>::max()).value_or(kNoFacts);
}

std::optional<FactsId> FactsTable::InternFromContent(const LogSourceFacts& facts) {
  return InternUpTo(facts, &from_content_, kMaxFromContent);
}

std::optional<FactsId> FactsTable::InternUpTo(const LogSourceFacts& facts, size_t* count, size_t limit) {
  std::string text = AsText(facts);
  const std::lock_guard<std::mutex> lock(mutex_);
  if (const auto it = ids_.find(text); it != ids_.end()) return it->second;
  if (*count >= limit) return std::nullopt;
  ++*count;
  const auto id = static_cast<FactsId>(facts_.size());
  facts_.push_back(facts);
  ids_.emplace(std::move(text), id);
  return id;
}

const LogSourceFacts& FactsTable::Get(FactsId id) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return facts_[id];
}

size_t FactsTable::size() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return facts_.size();
}

uint32_t FactsTable::Declare(const DeclaredLogSource& declared) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (uint32_t i = 0; i < declared_.size(); ++i) {
    if (declared_[i] == declared) return i;
  }
  declared_.push_back(declared);
  return static_cast<uint32_t>(declared_.size() - 1);
}

const DeclaredLogSource& FactsTable::Declared(uint32_t id) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return declared_[id];
}

}  // namespace redthread
