#include "core/facts_table.h"

namespace redthread {

namespace {

// Equal for equal facts only: every string stands with its length.
std::string Spelling(const LogSourceFacts& facts) {
  std::string out;
  const auto text = [&out](const std::string& s) { out += std::to_string(s.size()) + ":" + s; };
  const auto renames = [&](const FieldRenames& r) {
    for (const auto& [from, to] : r) text(from), text(to);
    out += ';';
  };
  const auto list = [&](const std::vector<std::string>& l) {
    for (const std::string& s : l) text(s);
    out += ';';
  };
  list(facts.products);
  list(facts.services);
  for (const LogSourceFacts::CategoryFact& c : facts.categories) {
    text(c.category);
    renames(c.renames);
  }
  out += '|';
  renames(facts.renames);
  return out;
}

}  // namespace

FactsTable::FactsTable() { Intern({}); }

FactsId FactsTable::Intern(const LogSourceFacts& facts) {
  std::string spelling = Spelling(facts);
  const std::lock_guard lock(mutex_);
  const auto [known, inserted] = ids_.try_emplace(std::move(spelling), static_cast<FactsId>(facts_.size()));
  if (inserted) facts_.push_back(facts);
  return known->second;
}

const LogSourceFacts& FactsTable::Get(FactsId id) const {
  const std::lock_guard lock(mutex_);
  return facts_[id];
}

size_t FactsTable::size() const {
  const std::lock_guard lock(mutex_);
  return facts_.size();
}

}  // namespace redthread
